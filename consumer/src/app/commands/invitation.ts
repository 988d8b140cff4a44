import { address, formatPrice, type Signed, systemClock } from '@pontage/shared'
import {
  keystoreAddress,
  printJson,
  readInvitation,
  readToken,
  timeOf,
  UserError,
} from '@pontage/shared/node'
import { whyNotInvited } from '../../core/invitation.js'
import { forgetInvitation, keepInvitation, readInvitations } from '../../io/home/invitations.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

type Options = Settings & { action: 'add' | 'show' | 'list' | 'remove'; what?: string; json: boolean }

export const invitationCommand = command<Options>({
  command: 'invitation [action] [what]',
  describe: 'Keep an invitation to a provider that is not listed; show, list or remove those you have',
  builder: (yargs) =>
    withSettings(yargs)
      .positional('action', {
        choices: ['add', 'show', 'list', 'remove'] as const,
        default: 'list' as const,
        describe: 'What to do; show says what a link offers, and keeps nothing',
      })
      .positional('what', {
        type: 'string',
        describe:
          'The link to add or show, by default from standard input, which keeps it out of the list of processes; or the provider to remove',
      }),
  async handler({ home, action, what, json }) {
    if (action === 'show') {
      const offered = offeredBy(readInvitation(await linkOf(action, what)))
      const self = await keystoreAddress(home)
      const refused = whyNotInvited(offered, self, systemClock.now()) ?? null
      if (json) return printJson({ invitation: { ...offered, refused } })
      printLine(lineOf(home, offered))
      printLine(
        refused === null
          ? 'Whether this provider signed it is seen when it is used. Keep it with: pontage invitation add LINK.'
          : `It is of no use here: it ${refused}.`,
      )
      return
    }
    if (action === 'add') await keepInvitation(home, await linkOf(action, what))
    if (action === 'remove') {
      if (what === undefined)
        throw new UserError('Whose it is is missing: pontage invitation remove PROVIDER.')
      if (!(await forgetInvitation(home, address(`${what}`))))
        throw new UserError(`There is no invitation of ${what}. See: pontage invitation list.`)
    }
    const kept = (await readInvitations(home)).map(offeredBy)
    if (json) return printJson({ invitations: kept })
    if (kept.length === 0)
      return printLine('There are no invitations. Add one with: pontage invitation add LINK.')
    for (const each of kept) printLine(lineOf(home, each))
  },
})

/** The link that was typed, or what comes in where nobody types. @throws UserError where there is none */
async function linkOf(action: string, what: string | undefined): Promise<string> {
  let link = what ?? ''
  if (what === undefined && !process.stdin.isTTY)
    for await (const chunk of process.stdin.setEncoding('utf8')) link += chunk
  if (link.trim() !== '') return link
  throw new UserError(`The link is missing: pontage invitation ${action} LINK.`)
}

/** What an invitation says that is no secret: without the path that only the invited know. */
const offeredBy = ({ path: _, certificate: __, signature: ___, ...offered }: Signed<'Invitation'>) => offered

function lineOf(home: string, offered: ReturnType<typeof offeredBy>): string {
  const { provider, country, endpoint, pricePerMegabyte, pricePerHour, expiresAt } = offered
  const token = readToken(home)
  const price = token === undefined ? '' : `  ${formatPrice(pricePerMegabyte, pricePerHour, token)}`
  return `${provider}  ${country}  ${endpoint}${price}  until ${timeOf(expiresAt)}`
}
