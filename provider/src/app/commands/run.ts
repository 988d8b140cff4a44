import {
  type CommonOptions,
  chainFlags,
  createLog,
  keyFlags,
  openChain,
  printJson,
  rememberSettings,
  tellWatchdog,
  UserError,
  unlock,
  untilStopped,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { lockHome } from '../../io/store/homeLock.js'
import { serve } from '../serve.js'
import { openComponents } from './open.js'
import { readSettings, type ServeOptions, serveFlags } from './options.js'

/** Serves until told to stop, by `serveAs`. */
export const runCommandBy = (serveAs: typeof serve): CommandModule<CommonOptions, ServeOptions> => ({
  command: 'run',
  describe: 'Publish the offer and serve consumers',
  builder: { ...chainFlags, ...keyFlags, ...serveFlags },
  handler: (given) => run(given, serveAs),
})

/** What an offer says: once told, every command knows it. */
const offered = [
  ...['endpoint', 'price', 'time-price', 'country', 'hub', 'host', 'port'],
  ...['wireguard-port', 'exit-policy', 'tls-certificate', 'tls-key', 'front', 'unlisted'],
]

/** Keeps what was typed of the offer in the configuration, for the next start and for the other commands. */
async function rememberOffer({ typed = new Set(), ...given }: ServeOptions): Promise<void> {
  const values = given as Readonly<Record<string, unknown>>
  const camel = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
  await rememberSettings(
    given.home,
    Object.fromEntries(
      offered.filter((name) => typed.has(name)).map((name) => [name, values[camel(name)] as string]),
    ),
  )
}

export const runCommand = runCommandBy(serve)

async function run(given: ServeOptions, serveAs: typeof serve): Promise<void> {
  if (process.geteuid?.() !== 0)
    throw new UserError(
      'Serving needs root, for the tunnel and the firewall. Run it with sudo or as a service.',
    )
  tellWatchdog()
  const log = createLog('pontage-provider', given.logLevel)
  const identity = await unlock(given)
  const stopped = untilStopped('ignored')
  const chain = await openChain(given, log)
  const closers: (() => void)[] = [() => chain.close()]
  try {
    closers.push(lockHome(given.home))
    const settings = readSettings(given, chain)
    const components = openComponents(given.home, identity, chain, log)
    closers.push(components.closeStore)
    const serving = await serveAs(components, settings)
    await rememberOffer(given)
    const retired = serving.retired.then(() => 'retired')
    const broken = await Promise.race([stopped, retired, serving.failed]).then(
      (reason) => void log.info('stopping', { reason }),
      (error: Error) => error,
    )
    if (broken) log.error('cannot go on', { reason: broken.message })
    const left = await serving.stop().then(
      () => undefined,
      (error: Error) => error,
    )
    if (left) log.error('stopping failed', { reason: left.message })
    if (broken)
      throw new UserError(
        'The provider stopped because disk, tunnel or firewall failed, see the log. What was promised is kept; start again once that is fixed.',
        { cause: broken },
      )
    if (left)
      throw new UserError(
        `The provider has stopped. ${left.message} Once that is mended, pontage-provider down undoes the rest.`,
        { cause: left },
      )
    log.info('stopped')
    if (given.json) printJson({ stopped: `${await Promise.race([stopped, retired])}` })
  } finally {
    for (const close of closers.reverse()) close()
  }
}
