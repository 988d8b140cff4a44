import { type CommonOptions, runProgram } from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { block, unblock } from './app/commands/block.js'
import { channels } from './app/commands/channels.js'
import { doctor } from './app/commands/doctor.js'
import { draw } from './app/commands/draw.js'
import { earnings } from './app/commands/earnings.js'
import { fee } from './app/commands/fee.js'
import { init, settings } from './app/commands/init.js'
import { ledger } from './app/commands/ledger.js'
import { liabilities } from './app/commands/liabilities.js'
import { nonce } from './app/commands/nonce.js'
import { pool } from './app/commands/pool.js'
import { providers } from './app/commands/providers.js'
import { register } from './app/commands/register.js'
import { run } from './app/commands/run.js'
import { setup } from './app/commands/setup.js'
import { stake } from './app/commands/stake.js'
import { status } from './app/commands/status.js'
import { ui } from './app/commands/ui.js'
import { windDown } from './app/commands/windDown.js'

await runProgram({
  name: 'pontage-hub',
  description: 'guarantees consumers’ promises to providers, and clears them',
  environment: 'PONTAGE_HUB',
  folder: 'hub',
  commands: [
    setup,
    init,
    register,
    run,
    status,
    doctor,
    channels,
    providers,
    pool,
    stake,
    fee,
    earnings,
    draw,
    nonce,
    block,
    unblock,
    windDown,
    ledger,
    liabilities,
    ui,
  ] as unknown as CommandModule<CommonOptions, never>[],
  settings,
  argv: process.argv.slice(2),
})
