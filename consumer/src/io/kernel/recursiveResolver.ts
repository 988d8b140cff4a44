import { readdirSync, readFileSync } from 'node:fs'

/** Programs that ask the internet's name servers themselves, as the kernel calls them. */
const known = new Set(['unbound', 'named', 'kresd', 'pdns_recursor', 'knot-resolver'])

/** A recursive resolver that runs on this machine, by its program's name; undefined where none does. */
export function recursiveResolver(): string | undefined {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      const name = readFileSync(`/proc/${entry}/comm`, 'utf8').trim()
      if (known.has(name)) return name
    } catch {
      // It ended in this moment.
    }
  return undefined
}

/** What becomes of it behind the kill switch, and what to do. */
export const whyResolverFails = (name: string): string =>
  `The recursive resolver ${name} runs on this machine. Its questions are led to the provider’s resolver, which does not answer them as name servers do: programs that ask it may fail. Have it forward to the tunnel’s resolver, or run programs with "pontage exec".`
