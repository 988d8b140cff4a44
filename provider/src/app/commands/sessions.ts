import { formatBytes, type TokenNames } from '@pontage/shared'
import { type CommonOptions, printJson, printLines, readToken, withTokens } from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { askRunning } from '../../io/link/askRunning.js'
import type { SessionView } from '../operator/control.js'

/** Amounts arrive as decimal strings. */
type Shown = {
  readonly [Field in keyof SessionView]: SessionView[Field] extends bigint ? string : SessionView[Field]
}

/** Lists what runs now. */
export const sessionsCommand: CommandModule<CommonOptions, CommonOptions> = {
  command: 'sessions',
  describe: 'Show the running sessions',
  async handler({ home, json }) {
    const sessions = await askRunning<Shown[]>(home, { type: 'sessions' })
    if (json) printJson({ sessions })
    else if (sessions.length === 0) printLines('No session is running.')
    else for (const each of sessions) printLines(withToken(line(each), readToken(home)))
  },
}

const withToken = (text: string, token: TokenNames | undefined): string =>
  token === undefined ? text : withTokens(text, token)

const line = (each: Shown): string =>
  [
    `${each.session} ${each.consumer} ${each.phase} since ${new Date(each.startedAt * 1_000).toISOString()}:`,
    `down ${formatBytes(BigInt(each.downBytes))}, up ${formatBytes(BigInt(each.upBytes))},`,
    `owed ${each.owed} wei, promised ${each.promised} wei, packets of up to ${each.mtu} bytes`,
  ].join(' ')
