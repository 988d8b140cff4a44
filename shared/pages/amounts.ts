import { formatBytes, formatTimePrice, formatTokens, formatTrafficPrice } from '../src/quantity.js'
import { weiPerHour, weiPerMegabyte } from '../src/units.js'

/** What an amount counts, as it stands beside the amounts of every answer. */
export interface Unit {
  readonly unit: string
  readonly symbol?: string | null
  readonly decimals?: number | null
}
export type Units = Readonly<Record<string, Unit>> | undefined

const nothing = '–'
const namesOf = (unit: Unit | undefined) => ({
  decimals: unit?.decimals ?? 18,
  symbol: unit?.symbol ?? '',
})

/** `1.25 PTT`; a dash where there is no amount. */
export function tokens(amount: string | null | undefined, unit: Unit | undefined, digits = 6): string {
  if (amount === null || amount === undefined) return nothing
  const { decimals, symbol } = namesOf(unit)
  return `${shortened(formatTokens(BigInt(amount), decimals), digits)} ${symbol}`.trimEnd()
}

/** Fewer decimals, for a page: the exact amount is what was printed. */
function shortened(text: string, digits: number): string {
  const [whole = '0', rest = ''] = text.split('.')
  const kept = rest.slice(0, digits).replace(/0+$/, '')
  if (kept === '' && /[1-9]/.test(rest) && whole === '0') return `<0.${'0'.repeat(digits - 1)}1`
  return kept === '' ? whole : `${whole}.${kept}`
}

/** `0.05 PTT/GB`. */
export const trafficPrice = (perMegabyte: string, unit: Unit | undefined): string =>
  formatTrafficPrice(weiPerMegabyte(BigInt(perMegabyte)), namesOf(unit))

/** `0.01 PTT/h`; nothing where time is free. */
export const timePrice = (perHour: string, unit: Unit | undefined): string =>
  BigInt(perHour) === 0n ? '' : formatTimePrice(weiPerHour(BigInt(perHour)), namesOf(unit))

/** `12.3 MB`. */
export const bytes = (size: number | string | null | undefined): string =>
  size === null || size === undefined ? nothing : formatBytes(BigInt(size))

/** `48.2 Mbit/s`. */
export const speed = (bytesPerSecond: number): string => `${((bytesPerSecond * 8) / 1e6).toFixed(1)} Mbit/s`

/** `2 h 5 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return nothing
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} days`
}

/** `2026-11-29 14:05 UTC`, of seconds since 1970: as commands print it. */
export const moment = (seconds: number): string =>
  `${new Date(seconds * 1_000).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** `2026-11-29`, of seconds since 1970. */
export const day = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(0, 10)

/** `0x1234…cdef`. */
export const short = (address: string): string => `${address.slice(0, 6)}…${address.slice(-4)}`

const regions = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'code' })

/** `Germany`, of `DE`; what is no country stays as it is. */
export function country(code: string | undefined): string {
  if (code === undefined || !/^[A-Z]{2}$/.test(code)) return code ?? nothing
  return regions.of(code) ?? code
}
