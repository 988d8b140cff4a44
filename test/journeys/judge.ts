import type { CommandHelp } from '../programHelp.js'

/** What is wrong with what a person saw; empty when nothing is. */
export function faultsOf(
  line: string,
  screen: string,
  programs: ReadonlyMap<string, ReadonlyMap<string, CommandHelp>>,
  documented: ReadonlySet<string>,
): readonly string[] {
  const isForMachines = /--(json|csv)\b/.test(line)
  const unwanted: readonly (readonly [string, RegExp])[] = [
    ['a stack', /^\s+at .+:\d+:\d+\)?$/m],
    ['a value that is none', /\b(undefined|NaN)\b|\[object |\$\d/],
    ...(isForMachines ? [] : ([['an amount without its unit', /\bwei\b|(?<![\w.])\d{13,}(?!\w)/]] as const)),
  ]
  const shown = unwanted.flatMap(([name, pattern]) => {
    const found = pattern.exec(screen)
    return found === null ? [] : [`${name}: ${found[0].trim()}`]
  })
  return [...shown, ...strangersIn(screen, programs, documented)]
}

/** Commands that a screen tells people to type, and no document names. */
function strangersIn(
  screen: string,
  programs: ReadonlyMap<string, ReadonlyMap<string, CommandHelp>>,
  documented: ReadonlySet<string>,
): string[] {
  const said = [...screen.matchAll(/"(?:sudo )?(pontage(?:-provider|-hub)?) ([a-z][a-z-]*)/g)]
  return said
    .filter(([, program = '', command = '']) => {
      const isKnown = programs.get(program)?.has(command) ?? false
      return !isKnown || !documented.has(`${program} ${command}`)
    })
    .map(([text]) => `a command that no document names: ${text.slice(1)}`)
}
