import { address as toAddress } from '@pontage/shared'
import type { Market } from '../world/index.js'
import { filled, type Guide } from './guide.js'
import type { Machine } from './machine.js'
import type { Terminal } from './terminal.js'

/** Somebody who follows the documents on a machine of their own. */
export class Traveller {
  constructor(
    readonly market: Market,
    readonly machine: Machine,
    /** What stands for the words that the documents say to replace. */
    readonly values: Record<string, string>,
    private readonly judge: (line: string, screen: string) => readonly string[],
    private readonly tell: (text: string) => void,
  ) {}

  /** What went wrong on the way, each with the command and its screen. */
  readonly faults: string[] = []

  /** Types a command as a document has it, and waits for its end. @returns the screen. */
  async type(command: string, { code = 0 }: { code?: number } = {}): Promise<string> {
    const terminal = this.begin(command)
    await this.end(terminal, code)
    return terminal.screen
  }

  /** Types a command that stays. */
  begin(command: string): Terminal {
    const line = filled(command, this.values)
    this.tell(`${this.machine.host.name}$ ${line}`)
    return this.machine.open(line)
  }

  /** Waits for the end of a command; notes another exit code, and what nobody should see. */
  async end(terminal: Terminal, code = 0): Promise<void> {
    const ended = await terminal.ended()
    const faults = [
      ...(ended === code ? [] : [`exit code ${ended}, expected ${code}`]),
      ...this.judge(terminal.line, terminal.screen),
    ]
    if (faults.length > 0)
      this.faults.push(
        `${this.machine.host.name}$ ${terminal.line}\n${terminal.screen.trim()}\n=> ${faults.join('; ')}`,
      )
  }

  /** Presses Ctrl-C and waits for the end. */
  async interrupt(terminal: Terminal, code = 0): Promise<void> {
    terminal.interrupt()
    await this.end(terminal, code)
  }

  /** Installs a package as the README says, with its name in place of the consumer's. */
  async install(readme: Guide, name: string): Promise<void> {
    for (const line of readme.block('install')) await this.type(line.replaceAll(/\bpontage(?=_)/g, name))
  }

  /** Removes it. */
  async remove(readme: Guide, name: string): Promise<void> {
    for (const line of readme.block('remove')) await this.type(line.replaceAll(/\bpontage\b/g, name))
  }

  /** Writes the password of this machine's keys into a file that only its user may read. */
  async keepPassword(path: string): Promise<void> {
    await this.type(`umask 077 && echo ${this.machine.password} >${path}`)
  }

  /** As `keepPassword`, where only root may read. */
  async keepServicePassword(path: string): Promise<void> {
    await this.type(
      `sudo install -m 600 /dev/null ${path} && echo ${this.machine.password} | sudo tee ${path}`,
    )
  }

  /** Makes the key, and gets tokens and coin sent to its address. @returns the address. */
  async init(command: string, amounts: { tokens: string; coin?: string }): Promise<string> {
    const [, address = ''] = /^Address\s+(0x[0-9a-fA-F]{40})$/m.exec(await this.type(command)) ?? []
    await this.market.fund(toAddress(address), amounts)
    return address
  }
}
