import { printJson, UserError } from '@pontage/shared/node'
import { lockDown, openUp } from '../connect/lockdown.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

const sentences = {
  on: 'Lockdown is on: from now on, and from each boot on, nothing leaves this machine but by the tunnel.',
  off: 'Lockdown is off.',
} as const

export const lockdownCommand = command<Settings & { state: 'on' | 'off' } & Flags>({
  command: 'lockdown <state>',
  describe: 'Let nothing leave this machine but by the tunnel, connected or not, from boot to shutdown',
  builder: (yargs) =>
    withSettings(yargs)
      .positional('state', { choices: ['on', 'off'], describe: 'Lasts over restarts' })
      .option('allow-lan', {
        type: 'boolean',
        default: false,
        describe: 'Leave the local network open while nothing is connected',
      })
      .option('yes', {
        type: 'boolean',
        default: false,
        describe: 'Even if that cuts off this remote shell',
      }),
  async handler({ state, allowLan, yes, json }) {
    if (process.getuid?.() !== 0)
      throw new UserError('Only root can set up what is loaded at boot: use sudo.')
    if (state === 'on') await lockDown({ allowLan, anyShell: yes })
    else await openUp()
    if (json) printJson({ lockdown: state })
    else printLine(sentences[state])
  },
})

interface Flags {
  readonly allowLan: boolean
  readonly yes: boolean
  readonly json: boolean
}
