import { leaveStdout, UserError, uniqueInterfaceName } from '@pontage/shared/node'
import { isRunning, readConnection } from '../../io/home/connectionFile.js'
import { runInside } from '../../io/kernel/runInside.js'
import type { Screen } from '../connect/screen.js'
import { type ConnectionOptions, connectionFlags, runConnection } from './connection.js'
import { requireTunnelOfItsOwn } from './ownTunnel.js'
import { command, withSettings } from './settings.js'
import { withoutRoot } from './withoutRoot.js'

/** Says nothing: what fails is an error, and that is printed. */
const silent: Screen = {
  ...{ chosen() {}, refused() {}, opened() {}, refilled() {}, connected() {}, carried() {}, report() {} },
  ...{ interfered() {}, warned() {}, failedOver() {}, ended() {} },
}

export const execCommand = command<ConnectionOptions & { _: (string | number)[]; quiet: boolean }>({
  // What follows -- is the program's own: no positional of ours takes it.
  command: 'exec',
  describe:
    'Run a single program whose only network is the tunnel; put -- before it. Needs no root. Exits with its exit code',
  builder: (yargs) =>
    withSettings(yargs)
      .usage('pontage exec [options] -- COMMAND…')
      .options(connectionFlags)
      .option('provider', { type: 'string', requiresArg: true, describe: 'A provider, as connect takes it' })
      .option('quiet', {
        type: 'boolean',
        alias: 'q',
        default: false,
        describe: 'Print nothing of our own, unless something fails',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print events on standard error' }),
  async handler(argv) {
    const [, ...words] = argv._.map(String)
    if (words.length === 0)
      throw new UserError(
        'The program is missing. Put it after two dashes: pontage exec -- curl https://example.org',
      )
    leaveStdout()
    const running = await readConnection(argv.home)
    await requireTunnelOfItsOwn(argv, running)
    if (process.getuid?.() !== 0) {
      process.exitCode = await withoutRoot(argv, running)
      return
    }
    if (running?.netns && running.state === 'connected' && isRunning(running)) {
      process.exitCode = await runInside(running.netns.name, words, [running.gateway4])
      return
    }
    const stop = new AbortController()
    const netns = uniqueInterfaceName()
    let program: Promise<number> | undefined
    await runConnection(
      { ...argv, netns, logLevel: argv.quiet ? 'error' : argv.logLevel },
      {
        stop,
        output: process.stderr,
        onScreen: (screen) => ({
          ...(argv.quiet ? silent : screen),
          connected(tunnel) {
            if (!argv.quiet) screen.connected(tunnel)
            program ??= runInside(netns, words, tunnel.dns, stop.signal).finally(() => stop.abort())
            program.catch(() => undefined) // Asked for below.
          },
        }),
      },
    )
    if (program) process.exitCode = await program
  },
})
