import { formatBytes, formatPrice, type Price, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import { inTokens, tokenOf } from '@pontage/shared/node'
import { type Allowance, type Allowances, isNearlyUsed } from '../../core/allowances.js'
import { inWords } from '../../core/leaving.js'
import type { Status } from './status.js'

type Token = NonNullable<Status['token']>

const sentences: Record<Status['state'], string> = {
  disconnected: 'Not connected; the network is open.',
  connecting: 'Connecting; the network is open until the tunnel is up.',
  connected: 'Connected; the kill switch is on.',
  suspended: 'Connected, but the provider waits for payment; the kill switch is on.',
  reconnecting: 'Looking for a provider; the kill switch is on, so nothing leaves this machine.',
  blocked: 'The session is over and the kill switch is on: nothing leaves this machine.',
  crashed: 'The program was killed while connected; the kill switch is on.',
}

/** As `sentences`, where the kernel does not say the same. */
const damaged: Record<Status['state'], string> = {
  ...sentences,
  connected: 'Connected, but not everything that the connection relies on is in force:',
  suspended: 'Connected, but the provider waits for payment, and not everything is in force:',
  reconnecting: 'Looking for a provider, but not all of the kill switch is in force:',
  blocked: 'The session is over, but not all of the kill switch is in force:',
  crashed: 'The program was killed while it connected or was connected, and not everything is in force:',
}

/** As `sentences`, where lockdown is on. */
const lockedDown: Record<Status['state'], string> = {
  ...sentences,
  disconnected: 'Not connected; lockdown is on, so nothing leaves this machine.',
  connecting: 'Connecting; lockdown is on, so nothing else leaves this machine.',
}

const next: Record<Status['state'], string> = {
  disconnected: '"pontage providers" shows who offers what, "pontage connect" connects.',
  connecting: '"pontage disconnect" calls it off.',
  connected: '"pontage disconnect" ends it.',
  suspended: '"pontage doctor" looks for the cause, "pontage disconnect" ends it.',
  reconnecting: '"pontage disconnect" gives up and opens the network.',
  blocked: '"pontage disconnect" opens the network, then "pontage connect" connects again.',
  crashed: '"pontage disconnect" opens the network, then "pontage connect" connects again.',
}

/**
 * Where things stand, and what to type next, for a person.
 *
 * @param nowMs - Unix milliseconds.
 * @param isSetUp - Whether there is a key, or a service, to connect with.
 */
export function statusLines(now: Status, nowMs: number, isSetUp = true): string[] {
  const { live, netns, state } = now
  const problems = now.problems ?? []
  return [
    netns === null
      ? (problems.length > 0 ? damaged : now.lockdown === 'on' ? lockedDown : sentences)[state]
      : `A tunnel for ${now.rootless ? 'one program, made without root' : `the programs in namespace ${netns}`}: ${state}.`,
    ...(now.gateway.length > 0
      ? [`Gateway for what is behind ${now.gateway.join(', ')}: through the tunnel, or not at all.`]
      : []),
    ...(now.beside.length > 0
      ? [
          `Beside the tunnel, and seen as who you are: ${now.beside.map((each) => `${each.name} (process ${each.process})`).join(', ')}.`,
        ]
      : []),
    ...problems,
    ...(now.lockdown === 'lifted'
      ? ['Lockdown is lifted until the next connect or boot; "pontage lockdown on" shuts at once.']
      : []),
    ...(live?.reason ? [`Why: ${live.reason}`] : []),
    ...(now.problems === null
      ? [
          `This is what was recorded: only ${now.rootless ? 'the connection itself' : 'root'} can ask the kernel whether it is so.`,
        ]
      : []),
    ...providerLines(now, nowMs),
    ...(live?.allowances && now.token ? allowanceLines(live.allowances, now.token) : []),
    ...now.exits.map((exit) => reminderOf(exit, nowMs)),
    `Next: ${state === 'disconnected' && !isSetUp ? '"pontage setup" sets everything up.' : next[state]}`,
  ]
}

function providerLines({ provider, promisedWei, token, downBytes, upBytes, live }: Status, nowMs: number) {
  if (provider === null) return []
  const { serving = null } = live ?? {}
  const where = serving && token ? `, ${serving.country}, ${priceText(serving.price, token)}` : ''
  const since = serving ? `, for ${inWords(Math.round((nowMs - serving.sinceMs) / 1_000))}` : ''
  const total =
    token === null || promisedWei === null
      ? []
      : [`${inTokens(token, BigInt(promisedWei))} promised to it in all`]
  const speed = live
    ? [
        `${((live.bytesPerSecond * 8) / 1e6).toFixed(1)} Mbit/s`,
        ...(live.latencyMs === null ? [] : [`paid in ${live.latencyMs.toFixed(0)} ms`]),
        ...(live.mtu === null ? [] : [`packets of up to ${live.mtu} bytes`]),
        ...(live.carrier
          ? [`by ${live.carrier}${live.proxy ? ` through the proxy ${live.proxy}` : ''}`]
          : []),
        ...(live.postQuantum === null ? [] : [live.postQuantum ? 'post-quantum' : 'not post-quantum']),
        ...(live.sessions > 1 ? [`${live.sessions} sessions`] : []),
      ]
    : []
  const traffic =
    downBytes === null || upBytes === null
      ? []
      : [`down ${formatBytes(BigInt(downBytes))}`, `up ${formatBytes(BigInt(upBytes))}`]
  const parts = [...traffic, ...speed, ...total]
  return [
    `Provider ${provider}${where}${since}.`,
    ...(parts.length > 0 ? [`Traffic: ${parts.join(', ')}.`] : []),
  ]
}

/** As they come through the control socket: amounts are decimal strings there. */
const read = <Amount extends bigint>({ used, left }: Allowance<Amount>): Allowance => ({
  used: BigInt(used),
  left: BigInt(left),
})

function allowanceLines({ cap, budget, channel }: Allowances, token: Token): string[] {
  const tokens = (amount: bigint) => inTokens(token, amount)
  const line = (name: string, given: Allowance, text: (amount: bigint) => string, cure: string) => {
    const allowance = read(given)
    const warning = isNearlyUsed(allowance) ? ` Nearly used up: ${cure}.` : ''
    return `${name}: ${text(allowance.used)} used, ${text(allowance.left)} left.${warning}`
  }
  return [
    ...(cap ? [line('Cap', cap, formatBytes, 'connect again with a higher --cap')] : []),
    ...(budget ? [line('Budget', budget, tokens, 'connect again with a higher --budget')] : []),
    line('Channel', channel, tokens, '"pontage channel top-up" adds to it'),
  ]
}

const priceText = ({ perMegabyte, perHour }: Price, token: Token): string =>
  formatPrice(weiPerMegabyte(BigInt(perMegabyte)), weiPerHour(BigInt(perHour)), tokenOf(token))

/** By this machine's clock; the chain's own decides when it comes to it. */
function reminderOf({ channelId, exitAt }: Status['exits'][number], nowMs: number): string {
  const seconds = exitAt - Math.floor(nowMs / 1_000)
  return seconds > 0
    ? `Exiting channel ${channelId}: the rest is available in ${inWords(seconds)}.`
    : `The exit from channel ${channelId} is due: get the rest with "pontage channel exit".`
}
