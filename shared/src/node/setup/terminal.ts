import { UserError } from '../program/userError.js'

/** One of several answers. */
export interface Choice {
  readonly value: string
  readonly label: string
  /** What else is known of it. */
  readonly hint?: string
}

/** Somebody who can be asked. */
export interface Terminal {
  begin(title: string): void
  end(text: string): void
  /** Something is done, or was done before. */
  done(text: string): void
  wrong(text: string): void
  show(text: string, title: string): void
  text(question: string, usual: string | undefined): Promise<string>
  secret(question: string): Promise<string>
  choose(question: string, choices: readonly Choice[]): Promise<string>
  several(question: string, choices: readonly Choice[]): Promise<readonly string[]>
  confirm(question: string): Promise<boolean>
  /** Says what is waited for; the text can change. @returns What ends it, with the last word. */
  wait(text: string): { say(text: string): void; stop(text: string): void }
}

/** Whether somebody sits there who can be asked, and no program reads what is printed. */
export const hasTerminal = (json: boolean): boolean =>
  !json && process.stdin.isTTY === true && process.stdout.isTTY === true

/** The terminal that this program was started at. The library is loaded for a wizard, and for nothing else. */
export async function openTerminal(program: string): Promise<Terminal> {
  const clack = await import('@clack/prompts')
  const { stdout } = process
  // A terminal that does not know its size says zero, and every letter would get a line of its own.
  if (stdout.columns === 0) Object.assign(stdout, { columns: 80, rows: 24 })
  const answered = <Answer>(answer: Answer): Exclude<Answer, symbol> => {
    if (!clack.isCancel(answer)) return answer as Exclude<Answer, symbol>
    throw new UserError(`Stopped. What is done stays done: "${program} setup" goes on from there.`, {
      code: 'cancelled',
    })
  }
  const options = (choices: readonly Choice[]) => choices.map((each) => ({ hint: '', ...each }))
  return {
    begin: (title) => clack.intro(title),
    end: (text) => clack.outro(text),
    done: (text) => clack.log.success(text),
    wrong: (text) => clack.log.error(text),
    show: (text, title) => clack.note(text, title, { format: (line) => line }),
    text: async (message, usual) =>
      answered(
        await clack.text({
          message,
          ...(usual === undefined ? {} : { placeholder: usual, defaultValue: usual }),
        }),
      ).trim(),
    secret: async (message) => answered(await clack.password({ message })),
    choose: async (message, choices) => answered(await clack.select({ message, options: options(choices) })),
    several: async (message, choices) =>
      answered(await clack.multiselect({ message, options: options(choices), required: true })),
    confirm: async (message) => answered(await clack.confirm({ message })),
    wait(text) {
      const spinner = clack.spinner()
      spinner.start(text)
      return { say: (now) => spinner.message(now), stop: (now) => spinner.stop(now) }
    },
  }
}
