import { createHash } from 'node:crypto'

/** What happened, in order: two runs of one seed have the same. */
export class Trace {
  readonly #hash = createHash('sha256')
  /** Lines for people; empty unless somebody wants to read them. */
  readonly lines: string[] = []
  isKept = false

  constructor(
    private readonly time: { readonly nowMs: number; readonly process: { readonly name: string } },
  ) {}

  note(what: string): void {
    const line = `${this.time.nowMs.toFixed(3)} ${this.time.process.name}: ${what}`
    this.#hash.update(line).update('\n')
    if (this.isKept) this.lines.push(line)
  }

  /** Of everything noted so far. */
  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}
