import { homeBehindSudo, runProgram, useProxy } from '@pontage/shared/node'
import { accountCommand } from './app/commands/account.js'
import { aliasCommand } from './app/commands/alias.js'
import { bypassCommand } from './app/commands/bypass.js'
import { channelCommand } from './app/commands/channel.js'
import { collectCommand } from './app/commands/collect.js'
import { connectCommand } from './app/commands/connect.js'
import { connectionFlags } from './app/commands/connection.js'
import { debtCommand, repayCommand } from './app/commands/debt.js'
import { disconnectCommand } from './app/commands/disconnect.js'
import { doctorCommand } from './app/commands/doctor.js'
import { execCommand } from './app/commands/exec.js'
import { historyCommand } from './app/commands/history.js'
import { hubsCommand } from './app/commands/hubs.js'
import { initCommand } from './app/commands/init.js'
import { invitationCommand } from './app/commands/invitation.js'
import { lendCommand } from './app/commands/lend.js'
import { lockdownCommand } from './app/commands/lockdown.js'
import { nonceOfConsumer } from './app/commands/nonce.js'
import { providersCommand } from './app/commands/providers.js'
import { rateCommand } from './app/commands/rate.js'
import { runCommand } from './app/commands/run.js'
import { sendCommand } from './app/commands/send.js'
import { settings } from './app/commands/settings.js'
import { setupCommand } from './app/commands/setup.js'
import { stakeCommand, unbondCommand } from './app/commands/stake.js'
import { statusCommand } from './app/commands/status.js'
import { ui } from './app/commands/ui.js'
import { unlockCommand } from './app/commands/unlock.js'
import { limitFlags } from './app/session/limits.js'
import { namesToType } from './core/providerName.js'
import { readNames } from './io/home/knownNames.js'
import { passLockdown } from './io/kernel/lockdown.js'

// A closed terminal or pipe is no failure of the command.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

passLockdown()

// With sudo the home folder would be root's: the user's own is meant, where there is one.
const home = homeBehindSudo(process.env, 'consumer')

await runProgram({
  name: 'pontage',
  description: 'VPN traffic by the megabyte, paid for as it flows',
  environment: 'PONTAGE_CONSUMER',
  folder: 'consumer',
  commands: [
    setupCommand,
    initCommand,
    accountCommand,
    providersCommand,
    hubsCommand,
    aliasCommand,
    invitationCommand,
    channelCommand,
    connectCommand,
    runCommand,
    execCommand,
    lendCommand,
    bypassCommand,
    statusCommand,
    disconnectCommand,
    unlockCommand,
    lockdownCommand,
    doctorCommand,
    historyCommand,
    rateCommand,
    stakeCommand,
    unbondCommand,
    debtCommand,
    repayCommand,
    collectCommand,
    sendCommand,
    nonceOfConsumer,
    ui,
  ],
  settings: { ...settings, ...connectionFlags },
  cumulative: Object.keys(limitFlags),
  undoing: ['disconnect', 'unlock', 'lockdown', 'status'],
  prepare: ({ proxy }) => useProxy(proxy === undefined ? undefined : String(proxy)),
  home,
  argv: process.argv.slice(2),
  complete: { after: ['connect'], words: async (folder) => namesToType(await readNames(folder)) },
  notes: [
    'connect exits with 0 after Ctrl-C, disconnect, or a reached cap or budget; with 1 if no provider was left.',
    'exec exits with the code of its program.',
  ],
})
