import type {
  AccountViewStructOutput,
  ChannelViewStructOutput,
  HubViewStructOutput,
  StandingStructOutput,
  TabViewStructOutput,
  TestToken,
} from '@pontage/channel-contracts'
import { money } from '@pontage/shared'
import type { JsonRpcProvider } from 'ethers'
import { cast, channels, everybody } from './people.js'
import { type Contracts, idIn } from './transaction.js'

/** All that can be compared, as text by name: `tab 0x…/0x…/0 0x…` → `drawn 40, released 0, …`. */
export type Picture = Record<string, string>

type Side = 'balance' | 'burned' | 'identity' | 'channel' | 'tab' | 'account' | 'hub'
const name = (side: Side, ...of: string[]) => `${side} ${of.join(' ')}`
/** Fields in the order given, so that a difference reads itself. */
const fields = (values: Record<string, unknown>) =>
  Object.entries(values)
    .map(([field, value]) => `${field} ${value}`)
    .join(', ')

/** What the model says. */
export function pictureOfModel(now: money.Money, contracts: Contracts): Picture {
  const picture: Picture = {
    [name('balance', 'channels')]: `${money.heldByChannels(now)}`,
    [name('balance', 'registry')]: `${money.heldByRegistry(now)}`,
    [name('burned')]: `${now.burned}`,
  }
  for (const owner of everybody) picture[name('balance', owner)] = `${money.walletOf(now, owner)}`
  for (const each of everybody) {
    const { roles, stake, unbonding, unbondsAt, faults, beneficiary } = money.identityOf(now, each)
    const activeRoles = [1, 2, 4].filter((role) => money.isActive(now, each, role)).reduce((a, b) => a | b, 0)
    const debt = money.debtOf(now, each)
    picture[name('identity', each)] = fields({
      roles,
      activeRoles,
      stake,
      unbonding,
      unbondsAt: unbonding > 0n ? unbondsAt : 0,
      faults,
      debt,
      beneficiary: beneficiary ?? each,
    })
  }
  for (const parties of channels) {
    const id = idIn(contracts, parties)
    const channel = money.channelOf(now, parties)
    picture[name('channel', id)] = fields({
      status: channel ? (channel.open ? 1 : 2) : 0,
      balance: channel?.balance ?? 0n,
      exitAt: channel?.exitAt ?? 0,
      openProtests: money.openProtests(now, parties),
    })
    for (const provider of cast.providers) {
      const tab = money.tabOf(now, parties, provider)
      const { drawn, releasedUpTo, protested, protestEndsAt } = tab
      picture[name('tab', id, provider)] = fields({
        drawn,
        releasedUpTo,
        protested,
        protestEndsAt,
        missingByConsumer: money.missingByConsumer(tab),
        missingByHub: money.missingByHub(tab),
      })
    }
  }
  for (const hub of cast.hubs) {
    const { pool, raise } = money.hubOf(now, hub)
    const { amount: pendingWithdrawal, withdrawableAt } = money.pendingOf(now, hub)
    const { stake, unbonding, faults } = money.identityOf(now, hub)
    const feeBps = money.feeOf(now, hub)
    const raising = raise !== undefined && raise.at > now.now
    picture[name('hub', hub)] = fields({
      pool,
      pendingWithdrawal,
      withdrawableAt,
      feeBps,
      announcedFeeBps: raising ? raise.feeBps : feeBps,
      feeChangesAt: raising ? raise.at : 0,
      stake: stake + unbonding,
      faults,
      debt: money.debtOf(now, hub),
    })
    for (const provider of cast.providers) {
      const account = money.accountOf(now, hub, provider)
      picture[name('account', hub, provider)] = fields({
        credited: account.credited,
        paid: account.paid,
        missing: money.missingOf(account),
        guaranteedMissing: money.guaranteedMissing(now, hub, provider),
      })
    }
  }
  return picture
}

/** One view of a contract: its call, and the part of the picture that its answer makes. */
interface View {
  readonly to: string
  readonly data: string
  readonly read: (answer: string) => Picture
}

/** Reads a chain again and again. */
export class Camera {
  readonly #provider: JsonRpcProvider
  readonly #views: readonly View[]
  /** Most of a chain does not change from step to step: an answer that came before was read before. */
  readonly #known = new Map<string, Picture>()

  constructor(provider: JsonRpcProvider, contracts: Contracts, token: TestToken) {
    this.#provider = provider
    this.#views = viewsOf(contracts, token)
  }

  /** What the chain says. All of it is asked for at once. */
  async shoot(): Promise<Picture> {
    const parts = await Promise.all(
      this.#views.map(async ({ to, data, read }) => {
        const answer: string = await this.#provider.send('eth_call', [{ to, data }, 'latest'])
        const key = `${data} ${answer}`
        const part = this.#known.get(key) ?? read(answer)
        this.#known.set(key, part)
        return part
      }),
    )
    return Object.assign({}, ...parts)
  }
}

function viewsOf(contracts: Contracts, token: TestToken): View[] {
  const { deployment, registry, channels: contract } = contracts
  const providers = [...cast.providers]
  const owners: [string, string][] = everybody.map((owner) => [owner, owner])
  owners.push(['channels', deployment.channels], ['registry', deployment.registry])
  const balances = owners.map(([label, owner]): View => {
    const data = token.interface.encodeFunctionData('balanceOf', [owner])
    const read = (answer: string) => ({ [name('balance', label)]: `${BigInt(answer)}` })
    return { to: deployment.token, data, read }
  })
  const standings: View = {
    to: deployment.registry,
    data: registry.interface.encodeFunctionData('standingsOf', [[...everybody]]),
    read: (answer) => {
      const [found] = registry.interface.decodeFunctionResult('standingsOf', answer)
      return each(found, (standing: StandingStructOutput, index) => {
        const { roles, activeRoles, stake, unbonding, unbondsAt, faults, debt } = standing
        const ends = unbonding > 0n ? unbondsAt : 0n
        const beneficiary = standing.beneficiary.toLowerCase()
        const known = { roles, activeRoles, stake, unbonding, unbondsAt: ends, faults, debt, beneficiary }
        return [name('identity', everybody[index] ?? ''), fields(known)]
      })
    },
  }
  const burned: View = {
    to: deployment.registry,
    data: registry.interface.encodeFunctionData('burned'),
    read: (answer) => ({ [name('burned')]: `${BigInt(answer)}` }),
  }
  const view = contract.interface
  const to = deployment.channels
  const ofChannels = channels.flatMap((parties): View[] => {
    const id = idIn(contracts, parties)
    const readChannel = (answer: string): Picture => {
      const [found] = view.decodeFunctionResult('channelOf', answer)
      const { status, balance, exitAt, openProtests }: ChannelViewStructOutput = found
      return { [name('channel', id)]: fields({ status, balance, exitAt, openProtests }) }
    }
    const readTabs = (answer: string): Picture => {
      const [found] = view.decodeFunctionResult('tabsOf', answer)
      return each(found, (tab: TabViewStructOutput, index) => {
        const { drawn, releasedUpTo, protested, protestEndsAt, missingByConsumer, missingByHub } = tab
        const known = { drawn, releasedUpTo, protested, protestEndsAt, missingByConsumer, missingByHub }
        return [name('tab', id, providers[index] ?? ''), fields(known)]
      })
    }
    return [
      { to, data: view.encodeFunctionData('channelOf', [id]), read: readChannel },
      { to, data: view.encodeFunctionData('tabsOf', [id, providers]), read: readTabs },
    ]
  })
  const ofHubs = cast.hubs.flatMap((hub): View[] => {
    const readHub = (answer: string): Picture => {
      const [found] = view.decodeFunctionResult('hubOf', answer)
      const known: HubViewStructOutput = found
      const { pool, pendingWithdrawal, withdrawableAt, feeBps, announcedFeeBps, feeChangesAt } = known
      const fee = { feeBps, announcedFeeBps, feeChangesAt }
      const { stake, faults, debt } = known
      return {
        [name('hub', hub)]: fields({ pool, pendingWithdrawal, withdrawableAt, ...fee, stake, faults, debt }),
      }
    }
    const readAccounts = (answer: string): Picture => {
      const [found] = view.decodeFunctionResult('accountsOf', answer)
      return each(found, ({ credited, paid, missing, guaranteedMissing }: AccountViewStructOutput, index) => [
        name('account', hub, providers[index] ?? ''),
        fields({ credited, paid, missing, guaranteedMissing }),
      ])
    }
    return [
      { to, data: view.encodeFunctionData('hubOf', [hub]), read: readHub },
      { to, data: view.encodeFunctionData('accountsOf', [hub, providers]), read: readAccounts },
    ]
  })
  return [...balances, burned, standings, ...ofChannels, ...ofHubs]
}

const each = <Item>(items: Iterable<Item>, entry: (item: Item, index: number) => [string, string]): Picture =>
  Object.fromEntries([...items].map(entry))

/** What the two sides say differently. */
export function differences(model: Picture, chain: Picture): string[] {
  const names = new Set([...Object.keys(model), ...Object.keys(chain)])
  return [...names]
    .filter((each) => model[each] !== chain[each])
    .map((each) => `${each}: the model says ${model[each]}; the chain says ${chain[each]}`)
}
