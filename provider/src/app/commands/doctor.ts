import { coinDecimals, parseTokens, systemClock } from '@pontage/shared'
import {
  type Check,
  type CommonOptions,
  chainFlags,
  checkClock,
  checkGas,
  checkKeystore,
  examine,
  examineChain,
  type Finding,
  type Given,
  jsonFlag,
  keyFlags,
  keystoreAddress,
  printFindings,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { isRunning } from '../../io/store/homeLock.js'
import {
  checkHubs,
  checkMachine,
  checkNetwork,
  checkPorts,
  checkReach,
  checkStake,
} from '../operator/checks.js'
import { readSettings, type ServeOptions, serveFlags } from './options.js'

type Options = ServeOptions & Given<typeof jsonFlag>

/** Looks at everything a provider needs, and says of each that it is well or what to do. */
export const doctorCommand: CommandModule<CommonOptions, Options> = {
  command: 'doctor',
  describe:
    'Check machine, chain, stake, gas coin, hubs, network, ports and reachability, and say what to fix',
  builder: { ...chainFlags, ...keyFlags, ...serveFlags, ...jsonFlag },
  async handler(options) {
    printFindings(await look(options), options)
  },
}

async function look(options: Options): Promise<Finding[]> {
  const { home } = options
  const chain = examineChain(options)
  const running = isRunning(home)
  const checks: Readonly<Record<string, Check>> = {
    machine: checkMachine,
    chain: chain.open,
    clock: chain.on((on) => checkClock(on, systemClock)),
    keystore: () => checkKeystore(home, 'pontage-provider'),
    stake: chain.on(async (on) => checkStake(on, await keystoreAddress(home))),
    gas: chain.on(async (on) =>
      checkGas(on, await keystoreAddress(home), parseTokens(String(options.gasWarning), coinDecimals)),
    ),
    hubs: chain.on((on) => checkHubs(on, readSettings(options, on).hubs)),
    network: chain.on((on) => checkNetwork(readSettings(options, on), running)),
    ports: chain.on((on) => checkPorts(readSettings(options, on), running)),
    reach: chain.on((on) => checkReach(readSettings(options, on), running)),
  }
  try {
    return await examine(checks)
  } finally {
    chain.close()
  }
}
