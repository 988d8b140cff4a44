import type { CommonOptions } from '@pontage/shared/node'
import { closeCommand } from './channel/close.js'
import { exitCommand } from './channel/exit.js'
import { openCommand } from './channel/open.js'
import { recoverCommand } from './channel/recover.js'
import { statusCommand } from './channel/status.js'
import { topUpCommand } from './channel/topUp.js'
import { command } from './settings.js'

const commands = [openCommand, topUpCommand, statusCommand, closeCommand, exitCommand, recoverCommand]

export const channelCommand = command<CommonOptions>({
  command: 'channel',
  describe: 'Open a channel, add to it, show it, close it, or exit without its hub',
  builder: (yargs) =>
    commands
      .reduce((all, each) => all.command(each as never), yargs)
      .demandCommand(1, 'Choose one: open, top-up, status, close, exit or recover.'),
  handler: () => {},
})
