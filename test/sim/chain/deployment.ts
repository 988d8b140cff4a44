import { address, type Deployment, type money, wei } from '@pontage/shared'

const contract = (digit: string) => address(`0x${digit.repeat(40)}`)

/** A chain that keeps time, so that the age of its blocks counts; its contracts lie where nobody else's do. */
export const deployment: Deployment = {
  chainId: 424_242,
  token: contract('1'),
  registry: contract('2'),
  channels: contract('3'),
  marketplace: contract('4'),
  fromBlock: 0,
}

const whole = 10n ** 18n
const minute = 60

/**
 * Delays in the order that the constructor demands, short enough that everything runs out within a run: a guarantee of ten
 * minutes, windows of twenty, exits of an hour.
 */
export const moneySettings: money.MoneySettings = {
  maxGuarantee: 10 * minute,
  protestWindow: 20 * minute,
  exitDelay: 52 * minute,
  withdrawalDelay: 30 * minute,
  feeNotice: 52 * minute,
  unbonding: 60 * minute,
  feeCapBps: 2_000,
  defaultFeeBps: 200,
  minimumStakes: { consumer: wei(whole), provider: wei(50n * whole), hub: wei(1_000n * whole) },
}
