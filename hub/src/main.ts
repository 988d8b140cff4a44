import { type CommonOptions, runProgram } from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { init } from './app/commands/init.js'
import { pool } from './app/commands/pool.js'
import { register } from './app/commands/register.js'
import { run } from './app/commands/run.js'
import { status } from './app/commands/status.js'

await runProgram({
  name: 'pontage-hub',
  description: 'guarantees consumers’ promises to providers, and clears them',
  environment: 'PONTAGE_HUB',
  folder: 'hub',
  commands: [init, register, pool, run, status] as unknown as CommandModule<CommonOptions, never>[],
  argv: process.argv.slice(2),
})
