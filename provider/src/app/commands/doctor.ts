import { coinDecimals, parseTokens, systemClock } from '@pontage/shared'
import {
  type Chain,
  type CommonOptions,
  chainFlags,
  checkClock,
  checkGas,
  checkKeystore,
  examine,
  type Finding,
  keyFlags,
  keystoreAddress,
  openChain,
  printFindings,
  UserError,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { askRunning } from '../../io/link/askRunning.js'
import { isRunning } from '../../io/store/homeLock.js'
import {
  checkHubs,
  checkMachine,
  checkNetwork,
  checkPorts,
  checkReach,
  checkStake,
  checkWay,
  checkWithheld,
} from '../operator/checks.js'
import type { Examined } from '../settings.js'
import { readSettings, type ServeOptions, serveFlags } from './options.js'

type Options = ServeOptions

/** Looks at everything a provider needs, and says of each that it is well or what to do. */
export const doctorCommand: CommandModule<CommonOptions, Options> = {
  command: 'doctor',
  describe:
    'Check machine, chain, stake, gas coin, hubs, network, the way through, ports and reachability, and say what to fix',
  builder: { ...chainFlags, ...keyFlags, ...serveFlags },
  async handler(options) {
    printFindings(await look(options), options)
  },
}

async function look(options: Options): Promise<Finding[]> {
  const { home } = options
  let chain: Chain | undefined
  const running = isRunning(home)
  const onChain = (check: (chain: Chain) => Promise<string>) => async () => {
    if (chain === undefined) throw new UserError('Not checked: fix the connection to the chain first.')
    return check(chain)
  }
  // What holds for one that runs is what it was started with, whatever stands here by now.
  const examined = async (on: Chain): Promise<Examined> =>
    running ? askRunning<Examined>(home, { type: 'settings' }) : readSettings(options, on)
  const checks: Readonly<Record<string, () => Promise<string>>> = {
    machine: checkMachine,
    chain: async () => {
      chain = await openChain(options)
      return `chain ${chain.deployment.chainId} at block ${(await chain.head()).number}`
    },
    clock: onChain((on) => checkClock(on, systemClock)),
    keystore: () => checkKeystore(home, 'pontage-provider'),
    stake: onChain(async (on) => checkStake(on, await keystoreAddress(home))),
    withheld: onChain(async (on) => checkWithheld(on, await keystoreAddress(home))),
    gas: onChain(async (on) =>
      checkGas(on, await keystoreAddress(home), parseTokens(String(options.gasWarning), coinDecimals)),
    ),
    hubs: onChain(async (on) => checkHubs(on, (await examined(on)).hubs)),
    network: onChain(async (on) => checkNetwork(await examined(on), running)),
    way: onChain((on) => checkWay(home, () => readSettings(options, on), running)),
    ports: onChain(async (on) => checkPorts(await examined(on), running)),
    reach: onChain(async (on) => checkReach(await examined(on), running)),
  }
  try {
    return await examine(checks)
  } finally {
    chain?.close()
  }
}
