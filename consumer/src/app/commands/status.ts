import { formatBytes } from '@pontage/shared'
import { printJson } from '@pontage/shared/node'
import { inWords } from '../../core/leaving.js'
import { type Status, status } from '../status.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

const sentences: Record<Status['state'], string> = {
  disconnected: 'Not connected; the network is open.',
  connected: 'Connected; the kill switch is on.',
  blocked: 'The session is over and the kill switch is on: nothing leaves until "pontage disconnect".',
  crashed: 'The program was killed while connected; the kill switch is on. Run "pontage disconnect".',
}

export const statusCommand = command<Settings & { json: boolean }>({
  command: 'status',
  describe: 'Say how things stand',
  builder: (yargs) =>
    withSettings(yargs).option('json', {
      type: 'boolean',
      default: false,
      describe: 'Print one JSON object',
    }),
  async handler(argv) {
    const now = await status(argv.home)
    if (argv.json) return printJson(now)
    printLine(sentences[now.state])
    if (now.provider !== null)
      printLine(`Provider ${now.provider}, ${now.promised} wei promised to it in all.`)
    if (now.downBytes !== null && now.upBytes !== null)
      printLine(`Down ${formatBytes(BigInt(now.downBytes))}, up ${formatBytes(BigInt(now.upBytes))}.`)
    for (const exit of now.exits) printLine(reminderOf(exit))
  },
})

/** By this machine's clock; the chain's own decides when it comes to it. */
function reminderOf({ channelId, exitAt }: Status['exits'][number]): string {
  const seconds = exitAt - Math.floor(Date.now() / 1_000)
  return seconds > 0
    ? `Leaving channel ${channelId}: the rest can be taken in ${inWords(seconds)}.`
    : `Channel ${channelId} can be left: take the rest with "pontage channel exit".`
}
