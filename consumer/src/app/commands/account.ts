import { coinDecimals, countOf, formatTokens, type Wei, wei } from '@pontage/shared'
import {
  type Chain,
  inTokens,
  keystoreAddress,
  onChain,
  printJson,
  printLines,
  readStanding,
  readWithheld,
  timeOf,
} from '@pontage/shared/node'
import { getAddress } from 'ethers'
import { readChannels } from '../../io/chain/channelReader.js'
import { command, type Settings, withSettings } from './settings.js'

export const accountCommand = command<Settings & { json: boolean }>({
  command: 'account',
  describe: 'Show the address, its balances, and how to fund it',
  builder: (yargs) => withSettings(yargs),
  async handler(argv) {
    const address = await keystoreAddress(argv.home)
    await onChain(argv, async (chain) => {
      const [tokens, coin, standing, channels, { amount: withheld }] = await Promise.all([
        chain.token.balanceOf(address),
        chain.rpc.getBalance(address),
        readStanding(chain, address),
        readChannels(argv.home, chain, address),
        readWithheld(chain, address),
      ])
      const open = channels.filter(({ status }) => status === 'open')
      const locked = wei(open.reduce((sum, { balance }) => sum + balance, 0n))
      const { stake, unbonding, unbondsAt, faults, debt } = standing
      const { chainId, token } = chain.deployment
      if (argv.json)
        return printJson({
          ...{ address, tokens, coin, symbol: chain.tokenSymbol, decimals: chain.tokenDecimals },
          ...{ locked, openChannels: open.length, stake, unbonding, unbondsAt },
          ...{ withheld, faults, debt, chainId, token },
        })
      printLines(
        `Address   ${getAddress(address)}`,
        `Tokens    ${inTokens(chain, tokens)}`,
        `Channels  ${inTokens(chain, locked)} in ${open.length} open`,
        `Stake     ${inTokens(chain, stake)}${unbondingWords(chain, unbonding, unbondsAt)}`,
        ...(withheld > 0n
          ? [
              `Withheld  ${inTokens(chain, withheld)} that the token refused to pay: "pontage collect ADDRESS"`,
            ]
          : []),
        ...(faults > 0 || debt > 0n
          ? [`Debt      ${inTokens(chain, debt)}, ${countOf(faults, 'fault')}: "pontage debt" shows to whom`]
          : []),
        `Coin      ${formatTokens(coin, coinDecimals)}, for gas; not needed when a hub sends the transactions`,
        '',
        `To fund it, send ${chain.tokenSymbol} (token ${getAddress(token)} on chain ${chainId}) to the address.`,
      )
    })
  },
})

const unbondingWords = (chain: Chain, unbonding: Wei, unbondsAt: number): string =>
  unbonding === 0n ? '' : `, ${inTokens(chain, unbonding)} unbonding until ${timeOf(unbondsAt)}`
