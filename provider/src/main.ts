import { type CommonOptions, homeBehindSudo, runProgram } from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { collectCommand } from './app/commands/collect.js'
import { doctorCommand } from './app/commands/doctor.js'
import { downCommand } from './app/commands/down.js'
import { earningsCommand } from './app/commands/earnings.js'
import { initCommand, settings } from './app/commands/init.js'
import { inviteCommand } from './app/commands/invite.js'
import { kickCommand } from './app/commands/kick.js'
import { limitCommand } from './app/commands/limit.js'
import { nonceOfProvider } from './app/commands/nonce.js'
import { offerCommand } from './app/commands/offer.js'
import { priceCommand } from './app/commands/price.js'
import { redeemCommand } from './app/commands/redeem.js'
import { registerCommand } from './app/commands/register.js'
import { retireCommand } from './app/commands/retire.js'
import { runCommand } from './app/commands/run.js'
import { sessionsCommand } from './app/commands/sessions.js'
import { setupCommand } from './app/commands/setup.js'
import { stakeCommand } from './app/commands/stake.js'
import { statusCommand } from './app/commands/status.js'
import { trustCommand } from './app/commands/trust.js'
import { ui } from './app/commands/ui.js'

await runProgram({
  name: 'pontage-provider',
  description: 'sells VPN traffic by the megabyte',
  environment: 'PONTAGE_PROVIDER',
  folder: 'provider',
  commands: [
    setupCommand,
    initCommand,
    registerCommand,
    runCommand,
    statusCommand,
    doctorCommand,
    sessionsCommand,
    kickCommand,
    limitCommand,
    redeemCommand,
    collectCommand,
    trustCommand,
    earningsCommand,
    priceCommand,
    offerCommand,
    inviteCommand,
    stakeCommand,
    nonceOfProvider,
    retireCommand,
    downCommand,
    ui,
  ] as never as CommandModule<CommonOptions, never>[],
  settings,
  undoing: ['down'],
  // With sudo the home folder would be root's: the one that was made without is meant.
  home: homeBehindSudo(process.env, 'provider'),
  argv: process.argv.slice(2),
})
