import {
  deployAll,
  IIdentityRegistry__factory,
  IPaymentChannels__factory,
  type TestToken,
  TestToken__factory,
} from '@pontage/channel-contracts'
import { type Address, address, type Deployment, money, unixSeconds, wei } from '@pontage/shared'
import { Interface, type JsonRpcProvider, MaxUint256, toQuantity } from 'ethers'
import { startAnvil } from './anvil.js'
import { cast, everybody, idsOf } from './people.js'
import { Camera, differences, pictureOfModel } from './picture.js'
import { type Call, type Contracts, transactionFor } from './transaction.js'

/** Short delays and small stakes, so that everything runs out and falls short within a play. */
const settings: money.MoneySettings = {
  maxGuarantee: 1_000,
  protestWindow: 2_000,
  exitDelay: 5_000,
  withdrawalDelay: 3_000,
  feeNotice: 5_000,
  unbonding: 5_000,
  feeCapBps: 2_000,
  defaultFeeBps: 200,
  minimumStakes: { consumer: wei(10n), provider: wei(50n), hub: wei(101n) },
}
const riches = wei(1_000_000n)
const gasLimit = toQuantity(3_000_000)

/** What a comparison saw. */
export interface Outcome {
  readonly runs: number
  readonly steps: number
  readonly accepted: number
  readonly refused: number
  /** How often each operation was accepted, and each refusal given, by both sides alike. */
  readonly seen: Readonly<Record<string, number>>
  /** Empty when both sides always said the same; else the first difference with its step. */
  readonly differences: readonly string[]
}

/**
 * Plays random interleavings on a chain and on the model, and compares all there is after each step: whether it
 * was accepted, the refusal's name, and every balance, channel, tab, account, pool, stake, fault and debt.
 *
 * @param seed - Of the first run; each run counts one up.
 * @param steps - Of one run.
 */
export async function compare(runs: number, seed: number, steps: number): Promise<Outcome> {
  const chain = await startAnvil()
  try {
    const table = await Table.lay(chain.provider)
    const seen: Record<string, number> = {}
    for (let run = 0; run < runs; run++) {
      const found = await table.play(seed + run, steps, (what) => {
        seen[what] = (seen[what] ?? 0) + 1
      })
      if (found.length > 0) return outcome(run + 1, steps, seen, found)
    }
    return outcome(runs, steps, seen, [])
  } finally {
    await chain.stop()
  }
}

function outcome(runs: number, steps: number, seen: Record<string, number>, found: string[]): Outcome {
  const count = (refused: boolean) =>
    Object.entries(seen).reduce(
      (sum, [what, times]) => (/^[A-Z]/.test(what) === refused ? sum + times : sum),
      0,
    )
  const [accepted, refused] = [count(false), count(true)]
  return { runs, steps: runs * steps, accepted, refused, seen, differences: found }
}

/** One deployment with rich people around it, laid anew for each run. */
class Table {
  readonly #provider: JsonRpcProvider
  readonly #contracts: Contracts
  readonly #camera: Camera
  readonly #errors: Interface
  #snapshot: string
  readonly #start: number

  private constructor(
    provider: JsonRpcProvider,
    contracts: Contracts,
    token: TestToken,
    snapshot: string,
    start: number,
  ) {
    this.#provider = provider
    this.#contracts = contracts
    this.#camera = new Camera(provider, contracts, token)
    this.#snapshot = snapshot
    this.#start = start
    const fragments = [contracts.channels, contracts.registry, token].flatMap((each) => [
      ...each.interface.fragments.filter((fragment) => fragment.type === 'error'),
    ])
    this.#errors = new Interface(fragments)
  }

  static async lay(provider: JsonRpcProvider): Promise<Table> {
    const signer = await provider.getSigner(0)
    const { minimumStakes, feeCapBps, defaultFeeBps, ...delays } = settings
    const deployed = await deployAll(signer, { minimumStakes, delays, feeCapBps, defaultFeeBps })
    const at = (contract: string): Address => address(contract)
    const deployment: Deployment = {
      ...deployed,
      token: at(deployed.token),
      registry: at(deployed.registry),
      channels: at(deployed.channels),
      marketplace: at(deployed.marketplace),
    }
    const token = TestToken__factory.connect(deployment.token, signer)
    for (const person of everybody) {
      await provider.send('anvil_setBalance', [person, toQuantity(10n ** 24n)])
      await provider.send('anvil_impersonateAccount', [person])
      await (await token.transfer(person, riches)).wait()
      const theirs = token.connect(await provider.getSigner(person))
      for (const spender of [deployment.registry, deployment.channels])
        await (await theirs.approve(spender, MaxUint256)).wait()
    }
    // From here on a block comes when its time is set.
    await provider.send('evm_setAutomine', [false])
    const contracts = {
      deployment,
      registry: IIdentityRegistry__factory.connect(deployment.registry, provider),
      channels: IPaymentChannels__factory.connect(deployment.channels, provider),
      ids: idsOf(deployment),
    }
    const block = await provider.getBlock('latest')
    if (!block) throw new Error('the chain has no block')
    return new Table(provider, contracts, token, await snapshotOf(provider), block.timestamp)
  }

  /** @returns The first differences; empty when there are none. */
  async play(seed: number, steps: number, see: (what: string) => void): Promise<string[]> {
    await this.#provider.send('evm_revert', [this.#snapshot])
    this.#snapshot = await snapshotOf(this.#provider)
    const dice = money.diceOf(seed)
    let now = money.mint(
      settings,
      unixSeconds(this.#start),
      everybody.map((person) => [person, riches]),
    )
    const prepared = money.opening(now, cast)
    for (let step = 0; step < prepared.length + steps; step++) {
      // The chain's clock moves by at least a second from block to block.
      now = passed(now, 1)
      const operation = prepared[step] ?? money.nextOperation(now, cast, dice)
      if (operation.do === 'wait') now = passed(now, operation.seconds)
      const moved = operation.do === 'wait' ? { ok: true as const, money: now } : money.move(now, operation)
      const answer = await this.#ask(operation, now.now)
      const expected = moved.ok ? operation.do : moved.refusal
      if (moved.ok) now = moved.money
      const found = differences(
        { answer: expected, ...pictureOfModel(now, this.#contracts) },
        { answer, ...(await this.#camera.shoot()) },
      )
      if (found.length > 0) return [`seed ${seed}, step ${step}: ${shown(operation)}`, ...found]
      see(expected)
    }
    return []
  }

  /** Asks the chain at a time. @returns What was done, or the name of the error. */
  async #ask(operation: money.Operation, at: number): Promise<string> {
    if (operation.do === 'wait') {
      await this.#provider.send('evm_mine', [toQuantity(at)])
      return operation.do
    }
    const call: Call = await transactionFor(this.#contracts, operation)
    const hash: string = await this.#provider.send('eth_sendTransaction', [{ ...call, gas: gasLimit }])
    await this.#provider.send('evm_mine', [toQuantity(at)])
    const receipt = await this.#provider.send('eth_getTransactionReceipt', [hash])
    return receipt.status === '0x1' ? operation.do : this.#errorOf(hash)
  }

  async #errorOf(hash: string): Promise<string> {
    const trace = await this.#provider.send('debug_traceTransaction', [hash, { tracer: 'callTracer' }])
    const data: string = trace.output ?? '0x'
    return this.#errors.parseError(data)?.name ?? `a failure without a known error: ${trace.error} ${data}`
  }
}

const snapshotOf = (provider: JsonRpcProvider): Promise<string> => provider.send('evm_snapshot', [])

function passed(now: money.Money, seconds: number): money.Money {
  const moved = money.move(now, { do: 'wait', seconds })
  if (!moved.ok) throw new Error('time stands still')
  return moved.money
}

const shown = (operation: money.Operation): string =>
  JSON.stringify(operation, (_, value) => (typeof value === 'bigint' ? Number(value) : value))
