/** What became of a probe's packets of one family: whether they left this machine, were answered, and the answers delivered. */
export interface Passage {
  readonly out: boolean
  readonly back: boolean
  readonly in: boolean
}

/** What became of a probe. */
export interface Probed {
  readonly four: Passage
  readonly six: Passage
}

/** By which device packets of each family would leave; undefined where they would not. */
export interface WaysOut {
  readonly four: string | undefined
  readonly six: string | undefined
}

/** The command of each family for rules that are not in nftables. */
export type LegacyProgram = 'iptables-legacy' | 'ip6tables-legacy'

/** A chain of somebody else that judges what is forwarded. */
export interface JudgingChain {
  /** As `nft list chain` takes it: `ip filter FORWARD`; of the older kind `FORWARD of iptables-legacy`. */
  readonly name: string
  /** The command for rules of the older kind; left out for chains of nftables. */
  readonly program?: LegacyProgram
  /** Of the packets that it judges: `ip`, `ip6`, or `inet` for both. */
  readonly family: string
  /** Whether it drops what no rule of it accepts. */
  readonly drops: boolean
}

/**
 * Judges what became of packets that were sent as a consumer would send them.
 *
 * @param ways - What has no route is not expected to pass.
 * @returns A sentence about what keeps traffic from passing; undefined when it passes, as far as can be told from here.
 */
export function judgeProbe(
  probed: Probed,
  ways: WaysOut,
  chains: readonly JudgingChain[],
): string | undefined {
  for (const family of ['four', 'six'] as const) {
    if (ways[family] === undefined) continue
    const { out, back, in: delivered } = probed[family]
    if (out && (delivered || !back)) continue
    const by = family === 'four' ? 'IPv4' : 'IPv6'
    const where = out ? `Answers to consumers by ${by} are` : `What consumers send by ${by} is`
    const judges = chains.filter((chain) => chain.family !== (family === 'four' ? 'ip6' : 'ip'))
    return `${where} dropped on this machine, by ${suspects(judges)}. ${cure(judges)}`
  }
  return undefined
}

function suspects(chains: readonly JudgingChain[]): string {
  const dropping = chains.filter(({ drops }) => drops)
  const named = dropping.length > 0 ? dropping : chains
  if (named.length === 0)
    return 'a rule in no chain for what is forwarded (see nft list ruleset, iptables-legacy-save)'
  return `the firewall of another program: ${named.map(({ name }) => `chain ${name}`).join(', ')}`
}

/** Rules for the chain that is the most likely. */
function cure(chains: readonly JudgingChain[]): string {
  const { name: chain, program } = chains.find(({ drops }) => drops) ?? chains[0] ?? {}
  if (chain === undefined) return 'Let pass what comes from and goes to pont*.'
  if (program !== undefined)
    return `Let tunnels pass there: ${program} -I FORWARD -i pont+ -j ACCEPT; ${program} -I FORWARD -o pont+ -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`
  return `Let tunnels pass there: nft insert rule ${chain} iifname "pont*" accept; nft insert rule ${chain} oifname "pont*" ct state established,related accept`
}

/** How the way out has been lately. */
export interface WayState {
  /** Milliseconds of the clock when it was found closed; undefined while it is open. */
  readonly closedAt: number | undefined
  /** When it was found open again; undefined while it is closed. */
  readonly openAt: number | undefined
  /** Whether the offer was withdrawn for it. */
  readonly isWithdrawn: boolean
}

export const openWay: WayState = { closedAt: undefined, openAt: 0, isWithdrawn: false }

/** A way that opened has to stay so for this long before the offer is published again: publishing costs gas. */
const steadyMs = 60_000

/**
 * Follows whether traffic passes, and says what that means for the offer.
 *
 * @param withdrawAfterMs - How long it may not pass before the offer is withdrawn.
 */
export function followWay(
  state: WayState,
  isOpen: boolean,
  nowMs: number,
  withdrawAfterMs: number,
): { readonly state: WayState; readonly effect: 'withdraw' | 'publish' | undefined } {
  const { isWithdrawn } = state
  if (!isOpen) {
    const closedAt = state.closedAt ?? nowMs
    const isTime = !isWithdrawn && nowMs - closedAt >= withdrawAfterMs
    return {
      state: { closedAt, openAt: undefined, isWithdrawn: isWithdrawn || isTime },
      effect: isTime ? 'withdraw' : undefined,
    }
  }
  const openAt = state.openAt ?? nowMs
  const isTime = isWithdrawn && nowMs - openAt >= Math.min(steadyMs, withdrawAfterMs)
  return {
    state: { closedAt: undefined, openAt, isWithdrawn: isWithdrawn && !isTime },
    effect: isTime ? 'publish' : undefined,
  }
}
