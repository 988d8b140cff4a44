import { address } from '@pontage/shared'
import { Wallet } from 'ethers'
import { logLines, type Market, openProvider, type Person, type Program } from '../world/index.js'
import { Customer } from './customer.js'

/** Who lives outside a machine with a hub and a provider: another provider of that hub, and a consumer of each provider. */
export class Neighbourhood {
  private constructor(
    readonly other: Person & { readonly program: Program },
    /** Of the provider in the machine. */
    readonly customer: Customer,
    /** Of the other one, by the hub in the machine. */
    readonly neighbour: Customer,
  ) {}

  /** @param customersHub - Where the customer of the machine's provider has its channel. */
  static async settle(
    market: Market,
    { hub, provider, customersHub }: { hub: Person; provider: Person; customersHub: Person },
  ): Promise<Neighbourhood> {
    const other = await openProvider(market, 'other', {
      ...{ price: '1/GB', country: 'FR', hubs: [hub.address], redeemAbove: '0.04', clearEvery: 5 },
      beneficiary: address(Wallet.createRandom().address),
    })
    return new Neighbourhood(
      other,
      await Customer.seat(market, 'customer', { hub: customersHub, provider }),
      await Customer.seat(market, 'neighbour', { hub, provider: other }),
    )
  }

  /** What the other provider holds with the signature of the machine's hub, in wei. */
  async heldOutside(): Promise<bigint> {
    const { hubs } = await this.other.json<{ hubs: { hubTotal: string }[] }>('status')
    return BigInt(hubs[0]?.hubTotal ?? 0)
  }

  /**
   * Waits until both consumers have promised more and heard it confirmed, and the hub in the machine has promised the other provider more.
   *
   * @returns What that one holds then.
   */
  async served(): Promise<bigint> {
    const before = await this.heldOutside()
    const cleared = () => logLines(this.other.program, ({ message }) => message === 'cleared').length
    const clearedBefore = cleared()
    await Promise.all([this.customer, this.neighbour].map((each) => each.pays()))
    await this.other.program.when(() => cleared() > clearedBefore, 'the hub clears', 300_000)
    const held = await this.heldOutside()
    if (held <= before)
      throw new Error(`The hub cleared, and the other provider holds ${held} wei as before.`)
    return held
  }
}
