import { existsSync } from 'node:fs'
import type { CommandModule } from 'yargs'
import { keystoreAddress, keystorePath } from '../home/homeFolder.js'
import type { CommonOptions } from '../program/program.js'
import type { Flag } from '../program/settingKinds.js'
import { printJson, printLines } from '../report/print.js'
import { commonQuestions } from './commonQuestions.js'
import { keyStep, settingsStep } from './commonSteps.js'
import { type Known, ownNode, type SetupOptions, setupFlags } from './known.js'
import { answer, type Question } from './question.js'
import { perform, type Step } from './steps.js'
import { hasTerminal, openTerminal } from './terminal.js'

/**
 * The command that takes its user from nothing to a program that works, by questions that are checked at once. Each has a
 * flag; where there is no terminal, what is missing is said, all at once. It can be run again, and goes on where it stopped.
 *
 * @param options.settings - The program's settings; those that are answered are written into the configuration.
 * @param options.flags - More flags of this wizard.
 * @param options.questions - What this role asks beyond network and key.
 * @param options.steps - What it does once there is a key.
 * @param options.next - What its user can do then, a line each.
 */
export const setupCommand = (options: {
  program: string
  describe: string
  settings: Readonly<Record<string, Flag>>
  flags: Readonly<Record<string, Flag>>
  questions: readonly Question<Known>[]
  steps: readonly Step<Known>[]
  next: readonly string[]
}): CommandModule<CommonOptions, never> => {
  const { program, describe, settings, flags, questions, steps, next } = options
  const module: CommandModule<CommonOptions, SetupOptions> = {
    command: 'setup',
    describe,
    builder: { ...settings, ...setupFlags, ...flags },
    async handler(given) {
      const terminal = hasTerminal(given.json) ? await openTerminal(program) : undefined
      const known: Known = {
        ...{ program, home: given.home, given: { ...given, typed: given.typed ?? new Set() } },
        ...{ isAtTerminal: terminal !== undefined, hasKey: existsSync(keystorePath(given.home)) },
        own: ownNode(given),
        ...{ keyFrom: 'new', hubs: [], answers: new Map() },
      }
      if (known.hasKey) known.address = await keystoreAddress(known.home)
      terminal?.begin(`${program} setup`)
      try {
        await answer(program, [...commonQuestions, ...questions], known, terminal)
        const done = await perform([keyStep(settings), settingsStep, ...steps], known, terminal)
        if (given.json) return printJson({ address: known.address, home: known.home, steps: done })
        if (terminal) terminal.end(next.join('\n   '))
        else printLines(...next)
      } finally {
        known.chain?.close()
      }
    },
  }
  // runProgram takes commands whatever their options are.
  return module as never
}
