import type { JudgingChain, LegacyProgram } from './way.js'

/**
 * Chains of the older kind that judge what is forwarded: those that drop, else the first of all.
 *
 * @param saved - As `iptables-legacy-save -t filter` prints it; '' where that cannot be asked.
 */
export function legacyChains(program: LegacyProgram, saved: string): JudgingChain[] {
  const lines = saved.split('\n')
  const isClosed = lines.some((line) => /^:FORWARD (DROP|REJECT)\b/.test(line))
  const dropping = new Set(lines.flatMap((line) => /^-A (\S+) .*-j (?:DROP|REJECT)\b/.exec(line)?.[1] ?? []))
  const reached = reachedFrom('FORWARD', lines).filter(
    (name) => dropping.has(name) || (name === 'FORWARD' && isClosed),
  )
  const family = program === 'iptables-legacy' ? 'ip' : 'ip6'
  const names = reached.length > 0 ? reached : ['FORWARD']
  return names.map((name) => ({
    ...{ name: `${name} of ${program}`, family, drops: reached.length > 0, program },
  }))
}

/** A chain, and those that its rules lead to. */
function reachedFrom(first: string, lines: readonly string[]): string[] {
  const found = [first]
  for (const chain of found)
    for (const line of lines) {
      const target = line.startsWith(`-A ${chain} `) ? / -[jg] (\S+)/.exec(line)?.[1] : undefined
      if (target !== undefined && !found.includes(target)) found.push(target)
    }
  return found
}
