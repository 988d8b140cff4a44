import { type Address, isActive, refuse, type Verdict, type Wei } from '@pontage/shared'
import type { StandingOnChain } from '@pontage/shared/node'

/** How long an answer of the chain is remembered here; whoever opens a session is looked up again. */
const rememberedMs = { active: 60_000, stranger: 10_000 } as const
/** Identities remembered; the oldest are forgotten. */
const maxRemembered = 10_000
/** Look-ups of the chain that may run at the same time for identities that are not remembered. */
const maxAtOnce = 16

/** A registered consumer, with what it has at stake. */
type Admitted = Verdict<{ stake: Wei }>

/**
 * Tells registered consumers from strangers before anything is signed or stored for them. A stranger costs a look at a
 * table, and at most now and then a look-up of the chain.
 */
export class Standings {
  readonly #known = new Map<Address, { readonly verdict: Admitted; readonly untilMs: number }>()
  readonly #asked = new Map<Address, Promise<Admitted>>()

  constructor(
    private readonly read: (identity: Address) => Promise<StandingOnChain>,
    private readonly elapsedMs: () => number,
  ) {}

  /** Refuses an identity that is not registered as a consumer with the minimum stake, or owes something. */
  judge(identity: Address): Admitted | Promise<Admitted> {
    const known = this.#known.get(identity)
    if (known && known.untilMs > this.elapsedMs()) return known.verdict
    const asked = this.#asked.get(identity)
    if (asked) return asked
    if (this.#asked.size >= maxAtOnce) return refuse({ code: 'too-many-under-way', limit: maxAtOnce })
    const answer = this.#ask(identity).finally(() => this.#asked.delete(identity))
    this.#asked.set(identity, answer)
    return answer
  }

  async #ask(identity: Address): Promise<Admitted> {
    const standing = await this.read(identity)
    const verdict = judgeConsumer(identity, standing)
    const lastsMs = verdict.ok ? rememberedMs.active : rememberedMs.stranger
    this.#known.delete(identity)
    this.#known.set(identity, { verdict, untilMs: this.elapsedMs() + lastsMs })
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= maxRemembered) break
      this.#known.delete(oldest)
    }
    return verdict
  }
}

/** Decides by what the chain says of a consumer whether we deal with it at all. */
export function judgeConsumer(identity: Address, standing: StandingOnChain): Admitted {
  if (standing.debt > 0n) return refuse({ code: 'in-debt', identity, debt: standing.debt })
  return isActive(standing, 'consumer')
    ? { ok: true, stake: standing.stake }
    : refuse({ code: 'not-registered', identity, role: 'consumer' })
}
