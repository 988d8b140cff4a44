import { type CommonOptions, leaveStdout, listTable, UserError } from '@pontage/shared/node'
import { killSwitchTable } from '../../core/killSwitch.js'
import { isRunning, readConnection } from '../../io/home/connectionFile.js'
import { openBypass } from '../../io/kernel/bypass.js'
import { isLockedDown } from '../../io/kernel/lockdown.js'
import { runAsCaller } from '../../io/kernel/runInside.js'
import { command } from './settings.js'

export const bypassCommand = command<CommonOptions & { _: (string | number)[] }>({
  command: 'bypass',
  describe:
    'Run a single program beside the tunnel, which tells everybody it talks to who you are; put -- before it. Exits with its exit code',
  builder: (yargs) => yargs.usage('pontage bypass -- COMMAND…'),
  async handler(argv) {
    const [, ...words] = argv._.map(String)
    if (words.length === 0)
      throw new UserError(
        'The program is missing. Put it after two dashes: sudo pontage bypass -- curl https://example.org',
      )
    await requireTunnel(argv.home)
    const bypass = await openBypass()
    leaveStdout()
    try {
      process.exitCode = await runAsCaller(bypass.words, words)
    } finally {
      await bypass.close()
    }
  },
})

/** @throws UserError where there is nothing to be beside of, or it is not allowed. */
async function requireTunnel(home: string): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new UserError('A way past the tunnel changes the firewall, which requires root. Use sudo.')
  if (isLockedDown())
    throw new UserError(
      'Lockdown is on: nothing leaves this machine but by the tunnel, this program neither. "pontage lockdown off" ends it.',
    )
  const record = await readConnection(home)
  if (record?.netns !== undefined)
    throw new UserError(
      'The tunnel is for some programs only, and every other is beside it: start this one without "pontage bypass".',
    )
  // A connection of another home is as good.
  const stands = (await listTable('inet', killSwitchTable)) !== undefined
  if (!stands)
    throw new UserError(
      'Nothing is connected, so everything is beside the tunnel. Start the program as it is.',
    )
  if (record !== undefined && (record.state !== 'connected' || !isRunning(record)))
    throw new UserError(
      'There is no tunnel now, and the kill switch lets nothing out, beside it neither. Wait until it is connected, or run "pontage disconnect".',
    )
}
