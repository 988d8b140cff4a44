// How much there is after a year of a busy market: what every command and page is timed on.

/** `--share 0.01`: a hundredth of all of it, to try the benchmark itself, or to see what grows. */
const share = process.argv.includes('--share') ? Number(process.argv[process.argv.indexOf('--share') + 1]) : 1
if (!(share > 0 && share <= 1)) throw new Error('--share takes a number above 0 and up to 1.')
const of = (count) => Math.ceil(count * share)

export const size = {
  providers: of(10_000),
  /** Of the hub: open, and closed in the course of the year. */
  channels: of(100_000),
  closedChannels: of(50_000),
  /** Of the provider, of its channels with the hub: those on which something is not drawn yet. */
  channelsUndrawn: of(1_000),
  channelsDrawn: of(9_000),
  /** Of the provider, every day. */
  sessionsADay: of(1_000),
  settlementsADay: of(24),
  /** Of the consumer, in the year. */
  sessions: of(10_000),
  lendings: 12,
  days: 365,
}

export const day = 86_400
/** Seconds at which the year began. */
export const yearBegan = Math.floor(Date.now() / 1_000) - size.days * day

/** Most that a command or page may take, and a start, in milliseconds. */
export const limits = { commandMs: 1_000, pageMs: 1_000, startMs: 5_000 }
/** Others use the machine, too: a figure counts as broken when the least of three runs is this many times the limit. */
export const noise = 1.5
