import type { Address, Hex, Wei } from '@pontage/shared'
import { readChannel } from '@pontage/shared/node'
import { freeCollateral } from '../../core/cap.js'
import { type PayableChannel, payableChannels, whyHubUnsound } from '../../core/hubs.js'
import type { JournalState } from '../../core/journalState.js'
import { asItStands, readDrawn, readOpened } from '../../io/chain/channelReader.js'
import { standingsAs } from '../../io/chain/discovery.js'
import type { Context, Reader } from '../context.js'

/** Own channels with sound hubs from which one may still pay, or could once they are refilled; the fullest first. */
export async function findPayableChannels(
  context: Reader,
  trail: JournalState,
  canRefill: boolean,
): Promise<PayableChannel[]> {
  const { chain, identity } = context
  const now = context.clock.now()
  const mayExit = (channelId: Hex) => {
    const exit = trail.exit(channelId)
    return exit?.stage === 'asked' && exit.at > now
  }
  const opened = await readOpened(context.home, chain, identity.address)
  const [sound, ...facts] = await Promise.all([
    soundHubs(context, [...new Set(opened.map(({ hub }) => hub))]),
    ...opened.map(async (channel) => {
      const signed = trail.totals(channel.channelId)
      const providers = signed.map(({ provider }) => provider)
      const [standing, drawn] = await Promise.all([
        asItStands(chain, channel),
        readDrawn(chain, channel.channelId, providers),
      ])
      const totals = signed.map(({ amount }, index) => ({ signed: amount, drawn: drawn[index] ?? amount }))
      const isClosing = trail.isClosing(channel.channelId) || mayExit(channel.channelId)
      return { ...standing, isClosing, totals }
    }),
  ])
  return payableChannels(facts, canRefill).filter(({ hub }) => sound.includes(hub))
}

/** What a channel holds now beyond everything that was promised from it. */
export async function readFree(
  { chain }: Context,
  trail: JournalState,
  { channelId }: Pick<PayableChannel, 'channelId'>,
): Promise<Wei> {
  const signed = trail.totals(channelId)
  const providers = signed.map(({ provider }) => provider)
  const [{ balance }, drawn] = await Promise.all([
    readChannel(chain, channelId),
    readDrawn(chain, channelId, providers),
  ])
  const totals = signed.map(({ amount }, index) => ({ signed: amount, drawn: drawn[index] ?? amount }))
  return freeCollateral(balance, totals)
}

/** Those of the hubs that one may rely on, in their order. */
export async function soundHubs(context: Reader, hubs: readonly Address[]): Promise<Address[]> {
  const standings = await standingsAs(context.chain, hubs, 'hub')
  return hubs.filter((_hub, index) => {
    const standing = standings[index]
    return standing !== undefined && whyHubUnsound(standing) === undefined
  })
}
