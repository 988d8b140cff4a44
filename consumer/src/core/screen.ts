import { type Bytes, formatBytes, formatTokens, type TokenNames, type Wei } from '@pontage/shared'

/** What the live line shows. */
export interface Glance {
  readonly state: string
  readonly downBytes: Bytes
  readonly upBytes: Bytes
  readonly bytesPerSecond: number
  readonly spent: Wei
  /** Bytes that may still flow; undefined without a limit. */
  readonly capLeft: Bytes | undefined
  /** What may still be spent; undefined without a budget. */
  readonly budgetLeft: Wei | undefined
  readonly latencyMs: number | undefined
  /** What the tunnel's packets travel by. */
  readonly carrier?: string
}

/**
 * The session in one line no wider than `columns`: what matters least is left out first.
 */
export function liveLine(glance: Glance, token: TokenNames, columns: number): string {
  const parts = [
    glance.state,
    `down ${formatBytes(glance.downBytes)}`,
    `up ${formatBytes(glance.upBytes)}`,
    `spent ${shortTokens(glance.spent, token.decimals)} ${token.symbol}`,
    glance.capLeft === undefined ? 'no cap' : `left ${formatBytes(glance.capLeft)}`,
    ...(glance.budgetLeft === undefined
      ? []
      : [`budget left ${shortTokens(glance.budgetLeft, token.decimals, 'down')} ${token.symbol}`]),
    `${((glance.bytesPerSecond * 8) / 1e6).toFixed(1)} Mbit/s`,
    ...(glance.latencyMs === undefined ? [] : [`paid in ${glance.latencyMs.toFixed(0)} ms`]),
    ...(glance.carrier === undefined ? [] : [`by ${glance.carrier}`]),
  ]
  while (parts.length > 1 && parts.join('  ').length > columns) parts.pop()
  return parts.join('  ').slice(0, columns)
}

/** Tokens for reading, six digits after the point; rounded up, so that never less is shown than was spent. */
export function shortTokens(amount: Wei, decimals: number, rounded: 'up' | 'down' = 'up'): string {
  const digits = 6
  if (decimals <= digits) return formatTokens(amount, decimals)
  const unit = 10n ** BigInt(decimals - digits)
  return formatTokens((amount + (rounded === 'up' ? unit - 1n : 0n)) / unit, digits)
}

/**
 * Breaks a text so that no line is wider than `columns`, and indents what follows the first: between fields, which two
 * spaces separate, and between words where a field is too long for a line.
 */
export function wrapped(text: string, columns: number): string {
  const lines: string[] = []
  const indent = `${/^ */.exec(text)?.[0] ?? ''}    `
  let line = ''
  const pieces = text
    .split(/(?<=\S)(?=\s{2})/)
    .flatMap((field) =>
      indent.length + field.trim().length <= columns ? [field] : field.split(/(?<=\S)(?=\s)/),
    )
  for (const word of pieces) {
    if (line !== '' && line.length + word.length > columns) {
      lines.push(line)
      line = `${indent}${word.trimStart()}`
    } else line += word
  }
  return [...lines, line].join('\n')
}
