import { address } from '@pontage/shared'
import { printJson, timeOf, UserError } from '@pontage/shared/node'
import { forgetInvitation, keepInvitation, readInvitations } from '../../io/home/invitations.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

type Options = Settings & { action: 'add' | 'list' | 'remove'; what?: string; json: boolean }

export const invitationCommand = command<Options>({
  command: 'invitation [action] [what]',
  describe: 'Keep an invitation to a provider that is not listed; list or remove those you have',
  builder: (yargs) =>
    withSettings(yargs)
      .positional('action', {
        choices: ['add', 'list', 'remove'] as const,
        default: 'list' as const,
        describe: 'What to do',
      })
      .positional('what', { type: 'string', describe: 'The link to add, or the provider to remove' }),
  async handler({ home, action, what, json }) {
    if (action === 'add') {
      if (what === undefined) throw new UserError('The link is missing: pontage invitation add LINK.')
      await keepInvitation(home, what)
    }
    if (action === 'remove') {
      if (what === undefined)
        throw new UserError('Whose it is is missing: pontage invitation remove PROVIDER.')
      if (!(await forgetInvitation(home, address(`${what}`))))
        throw new UserError(`There is no invitation of ${what}. See: pontage invitation list.`)
    }
    const kept = (await readInvitations(home)).map(({ provider, country, endpoint, expiresAt }) => ({
      ...{ provider, country, endpoint, expiresAt },
    }))
    if (json) return printJson({ invitations: kept })
    if (kept.length === 0)
      return printLine('There are no invitations. Add one with: pontage invitation add LINK.')
    for (const each of kept)
      printLine(`${each.provider}  ${each.country}  ${each.endpoint}  until ${timeOf(each.expiresAt)}`)
  },
})
