/** How the demo tells what it does: sentences for a person, on the stream given. */
export interface Telling {
  /** A heading. */
  chapter(text: string): void
  /** A sentence below it. */
  say(text: string): void
  /** A line that replaces the one before it on a terminal, and stands alone elsewhere. */
  live(text: string): void
  /** A demand on the demo: told with how it turned out, and remembered. */
  check(what: string, held: boolean): void
  /** Rows, aligned. */
  table(title: string, rows: readonly (readonly [string, string])[]): void
  /** Whether every demand so far was met. */
  readonly allHeld: boolean
}

export function createTelling(stream: NodeJS.WriteStream): Telling {
  const began = Date.now()
  let liveOpen = false
  let allHeld = true
  const line = (text: string) => {
    stream.write(`${liveOpen ? '\n' : ''}${text}\n`)
    liveOpen = false
  }
  return {
    chapter: (text) => line(`\n[${((Date.now() - began) / 1_000).toFixed(1).padStart(5)} s] ${text}`),
    say: (text) => line(`          ${text}`),
    live(text) {
      if (!stream.isTTY) return line(`          ${text}`)
      stream.write(`\r\u001b[K          ${text}`)
      liveOpen = true
    },
    check(what, held) {
      allHeld &&= held
      line(`      ${held ? 'ok ' : 'NO '} ${what}`)
    },
    table(title, rows) {
      line(`\n${title}`)
      const wide = Math.max(...rows.map(([name]) => name.length))
      for (const [name, value] of rows) line(`  ${name.padEnd(wide)}  ${value}`)
    },
    get allHeld() {
      return allHeld
    },
  }
}
