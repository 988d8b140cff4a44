import type { Market, Person, Program } from '../world/index.js'
import { leakedWhile } from './captured.js'
import { goesThrough } from './consumerMachine.js'
import type { Machine } from './machine.js'

/** A connected machine that is looked at from outside while something is done to it. */
export class Watched {
  private asked = 0

  constructor(
    private readonly market: Market,
    private readonly machine: Machine,
    private readonly provider: Person,
    private readonly names: Program,
  ) {}

  /** Fetches by a name that was never asked for before: who the server saw, and who the name server was asked by. */
  async seenByName(): Promise<{ seen: string; askedBy: string[] }> {
    this.asked += 1
    const name = `n${this.asked}.story.test`
    const { stdout } = await this.machine.attempt(`curl -sS --max-time 30 http://${name}/address`)
    const askers = this.names.lines().filter((line) => line.startsWith(`${name} `))
    return { seen: stdout.trim(), askedBy: [...new Set(askers.map((line) => line.split(' ')[1] ?? ''))] }
  }

  /** Does things one after the other; after each it is the provider who is seen, by address and by name, and nothing leaks. */
  async holdsWhile(...scripts: readonly string[]): Promise<void> {
    const { address } = this.provider.host
    const leaked = await leakedWhile(this.machine, this.provider.host, async () => {
      for (const script of scripts) {
        await this.machine.run(script, 120_000)
        await goesThrough(this.market, this.machine, this.provider)
        const seen = await this.seenByName()
        if (seen.seen !== address || seen.askedBy.join() !== address)
          throw new Error(`After "${script}" a name led to ${seen.seen}, asked for by ${seen.askedBy}.`)
      }
    })
    if (leaked.length > 0) throw new Error(`It leaked:\n${leaked.join('\n')}`)
  }
}
