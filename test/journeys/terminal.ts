import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'

/** What somebody types when a program asks. */
type Answer = readonly [question: RegExp, answer: (asked: RegExpExecArray, screen: string) => string]

const answerFrom = (password: string): readonly Answer[] => [
  [/password[^\n]*: $/i, () => password],
  [/Repeat it: $/, () => password],
  [/Press Enter[^\n]*$/, () => ''],
  [/Word (\d+): $/, ([, position], screen) => wordAt(Number(position), screen)],
  [/\[(y\/N|Y\/n)\] $/, () => 'y'],
]

/** One of the numbered words that were shown. */
function wordAt(position: number, screen: string): string {
  const found = [...screen.matchAll(/(?<![\w.])(\d{1,2}) ([a-z]{3,8})(?![\w-])/g)]
  return found.find(([, number]) => Number(number) === position)?.[2] ?? ''
}

/** A command at a terminal of its own, with somebody there who answers its questions. */
export class Terminal {
  /** What was on the screen so far, without colours. */
  screen = ''
  private answered = 0
  private code: number | undefined
  private readonly child: ChildProcessWithoutNullStreams
  private readonly watchers = new Set<() => void>()

  /**
   * @param line - As it was typed.
   * @param command - What that means outside the machine, for a shell.
   */
  constructor(
    readonly line: string,
    command: string,
    private readonly password: string,
  ) {
    this.child = spawn(
      'script',
      ['--quiet', '--return', '--flush', '--command', `exec ${command}`, '/dev/null'],
      {
        env: { PATH: process.env.PATH, TERM: 'xterm', LANG: 'C.UTF-8', SHELL: '/bin/sh' },
      },
    )
    // It may have ended when an answer comes.
    this.child.stdin.on('error', () => undefined)
    this.child.stdout.setEncoding('utf8')
    this.child.stdout.on('data', (text: string) => {
      this.screen += stripVTControlCharacters(text).replaceAll('\r', '')
      this.answer()
      this.wake()
    })
    this.child.on('close', (code) => {
      this.code = code ?? 1
      this.wake()
    })
  }

  /** Waits until the screen shows something. @throws Error with the screen when it does not, or the command ends before. */
  shows(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
    return this.until(() => pattern.exec(this.screen) ?? undefined, `${pattern}`, timeoutMs)
  }

  /** Waits for the end. @returns its exit code. */
  async ended(timeoutMs = 90_000): Promise<number> {
    return this.until(() => this.code, 'its end', timeoutMs)
  }

  /** Presses Ctrl-C. */
  interrupt(): void {
    this.child.stdin.write('\u0003')
  }

  /** Ends it, whatever it is doing. */
  async destroy(): Promise<void> {
    if (this.code === undefined) this.child.kill('SIGKILL')
    await this.ended(5_000).catch(() => undefined)
  }

  private answer(): void {
    const unanswered = this.screen.slice(this.answered)
    for (const [question, answer] of answerFrom(this.password)) {
      const asked = question.exec(unanswered)
      if (asked === null) continue
      this.answered = this.screen.length
      this.child.stdin.write(`${answer(asked, this.screen)}\r`)
      return
    }
  }

  private async until<T>(look: () => T | undefined, what: string, timeoutMs: number): Promise<T> {
    const giveUpAt = Date.now() + timeoutMs
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      const left = giveUpAt - Date.now()
      if (this.code !== undefined)
        throw new Error(`${this.line}: ended with ${this.code} before ${what}:\n${this.screen}`)
      if (left <= 0) throw new Error(`${this.line}: no ${what} within ${timeoutMs} ms:\n${this.screen}`)
      await new Promise<void>((resolve) => {
        const { watchers } = this
        const timer = setTimeout(done, left)
        function done() {
          clearTimeout(timer)
          watchers.delete(done)
          resolve()
        }
        watchers.add(done)
      })
    }
  }

  private wake(): void {
    for (const watcher of [...this.watchers]) watcher()
  }
}
