import { formatBytes } from '@pontage/shared'
import { controlPath, inTokens, printJson } from '@pontage/shared/node'
import { inWords } from '../../core/leaving.js'
import { askStatus, type Status } from '../connect/status.js'
import { controlFlag } from './connection.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

const sentences: Record<Status['state'], string> = {
  disconnected: 'Not connected; the network is open.',
  connecting: 'Connecting; the network is open until the tunnel is up.',
  connected: 'Connected; the kill switch is on.',
  suspended: 'Connected, but the provider waits for payment; the kill switch is on.',
  reconnecting: 'Looking for a provider; the kill switch is on, so nothing leaves this machine.',
  blocked:
    'The session is over and the kill switch is on: nothing leaves this machine until you run "pontage disconnect".',
  crashed: 'The program was killed while connected; the kill switch is on. Run "pontage disconnect".',
}

/** As `sentences`, where the kernel does not say the same. */
const damaged: Record<Status['state'], string> = {
  ...sentences,
  connected: 'Connected, but not everything that the connection relies on is in force:',
  suspended: 'Connected, but the provider waits for payment, and not everything is in force:',
  reconnecting: 'Looking for a provider, but not all of the kill switch is in force:',
  blocked: 'The session is over, but not all of the kill switch is in force:',
  crashed: 'The program was killed while connected, and not everything is in force:',
}

export const statusCommand = command<Settings & { json: boolean; control?: string }>({
  command: 'status',
  describe: 'Show the state of the connection',
  builder: (yargs) =>
    withSettings(yargs).options(controlFlag).option('json', {
      type: 'boolean',
      default: false,
      describe: 'Print one JSON object',
    }),
  async handler(argv) {
    const now = await askStatus(argv.home, argv.control ?? controlPath(argv.home))
    if (argv.json) return printJson(now)
    const isWhole = now.problems === null || now.problems.length === 0
    if (now.netns === null) printLine(isWhole ? sentences[now.state] : damaged[now.state])
    else printLine(`A tunnel for the programs in namespace ${now.netns}: ${now.state}.`)
    for (const problem of now.problems ?? []) printLine(problem)
    if (now.state === 'blocked' && now.problems?.length)
      printLine('Run "pontage disconnect" to clean up, then connect again.')
    if (now.problems === null)
      printLine('This is what was recorded: only root can ask the kernel whether it is so.')
    if (now.provider !== null)
      printLine(`Provider ${now.provider}, ${promisedIn(now)} promised to it in total.`)
    if (now.downBytes !== null && now.upBytes !== null)
      printLine(`Down ${formatBytes(BigInt(now.downBytes))}, up ${formatBytes(BigInt(now.upBytes))}.`)
    for (const exit of now.exits) printLine(reminderOf(exit))
    if (now.live === null) return
    const { bytesPerSecond, capLeft, latencyMs, mtu, sessions } = now.live
    const parts = [
      `${((bytesPerSecond * 8) / 1e6).toFixed(1)} Mbit/s`,
      ...(capLeft === null ? [] : [`${formatBytes(BigInt(capLeft))} left`]),
      ...(latencyMs === null ? [] : [`paid in ${latencyMs.toFixed(0)} ms`]),
      ...(mtu === null ? [] : [`packets of up to ${mtu} bytes`]),
      ...(sessions > 1 ? [`${sessions} sessions`] : []),
    ]
    printLine(`${parts.join(', ')}.`)
  },
})

function promisedIn({ promisedWei, token }: Status): string {
  return token === null ? `${promisedWei} wei` : inTokens(token, BigInt(promisedWei ?? 0))
}

/** By this machine's clock; the chain's own decides when it comes to it. */
function reminderOf({ channelId, exitAt }: Status['exits'][number]): string {
  const seconds = exitAt - Math.floor(Date.now() / 1_000)
  return seconds > 0
    ? `Exiting channel ${channelId}: the rest is available in ${inWords(seconds)}.`
    : `The exit from channel ${channelId} is due: get the rest with "pontage channel exit".`
}
