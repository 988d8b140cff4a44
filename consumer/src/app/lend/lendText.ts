import { amountText, formatBytes, formatPrice, type TokenNames } from '@pontage/shared'
import { qrCode } from '@pontage/shared/node'
import type { LendLimitTexts } from '../../core/lendLimits.js'
import type { Lent } from './lendings.js'
import type { LendingView } from './views.js'

/** Bits a second, of bytes. */
const speedText = (bytesPerSecond: bigint): string =>
  `${Number((bytesPerSecond * 8n) / 100_000n) / 10} Mbit/s`

/** A configuration for the other machine, as text and, where it is wanted, as a code for its camera. */
export const configurationLines = (configuration: string, isForCamera: boolean): string[] => [
  '',
  configuration,
  ...(isForCamera ? [qrCode(configuration)] : []),
]

/** What a lending is, and what it can cost, for a person. */
export function lentLines(lent: Lent, token: TokenNames): string[] {
  const { name, provider, country, price, rate, limits, postQuantum } = lent
  const cost = formatPrice(price.perMegabyte, price.perHour, token)
  return [
    `Lent as "${name}": a tunnel of ${provider} in ${country}, at ${cost}, for another machine.`,
    ...trustLines(limits, rate, token),
    `The configuration holds a private key: whoever has it uses the tunnel and spends its budget. Pass it on as you would a password.`,
    'The other machine has no kill switch of ours: switch on what its system has (Android: "Always-on VPN" and "Block connections without VPN"; iOS: on demand).',
    `It has to reach ${endpointOf(lent)} by UDP: where that is blocked, or at a provider that is reached over TLS only, a stock app does not connect.`,
    ...(postQuantum
      ? []
      : [
          'This provider runs an older version: a quantum computer may one day read what somebody records of this tunnel today.',
        ]),
  ]
}

/** What is trusted, and how far. */
export function trustLines(limits: LendLimitTexts, rate: bigint | undefined, token: TokenNames): string[] {
  const speed = rate === undefined ? '' : `, and no faster than ${speedText(rate)}`
  const most = [
    ...limits.budget.map((text) => withUnit(text, token.symbol)),
    ...limits.cap.map((text) => `the price of ${text.replace('/', ' a ')}`),
  ].join(', ')
  return [
    `What flows in it is counted by the provider alone, and you pay by that count: a provider that counts too much takes at most ${most}${speed}.`,
  ]
}

/** `1/day` as `1 PTT a day`. */
function withUnit(text: string, symbol: string): string {
  const [amount, period] = text.split('/')
  return `${amount?.trim()} ${symbol}${period === undefined ? ' in all' : ` a ${period.trim()}`}`
}

const endpointOf = ({ configuration }: Lent): string => /^Endpoint = (.*)$/m.exec(configuration)?.[1] ?? ''

/** One lending in one line. */
export function lendingLine(view: LendingView, token: TokenNames | undefined): string {
  const { name, state, reason, provider, spent, bytes, today, budget, cap, rate } = view
  const tokens = (amount: string) => (token === undefined ? amount : amountText(BigInt(amount), token))
  const limits = [
    `budget ${budget.join(', ')}`,
    ...(cap.length > 0 ? [`cap ${cap.join(', ')}`] : []),
    ...(rate === null ? [] : [`at most ${rate}`]),
  ].join(', ')
  const used = (what: { spent: string; bytes: number }) =>
    `${tokens(what.spent)} for ${formatBytes(BigInt(what.bytes))}`
  return `${name}  ${state}  ${provider ?? 'no provider yet'}  today ${used(today)}, in all ${used({ spent, bytes })}  (${limits})${reason === null ? '' : `  ${reason}`}`
}
