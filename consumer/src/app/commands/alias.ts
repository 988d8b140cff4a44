import { printJson, UserError } from '@pontage/shared/node'
import { isAlias, providerNamed } from '../../core/providerName.js'
import { keepAlias, readNames } from '../../io/home/knownNames.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

type Options = Settings & { name?: string; provider?: string; remove: boolean; json: boolean }

export const aliasCommand = command<Options>({
  command: 'alias [name] [provider]',
  describe: 'Give a provider a name of your own to connect to it by; without arguments, list the names',
  builder: (yargs) =>
    withSettings(yargs)
      .positional('name', { type: 'string', describe: 'Your name for it, three letters or more' })
      .positional('provider', { type: 'string', describe: 'Its address, or its number in the last list' })
      .option('remove', { type: 'boolean', default: false, describe: 'Forget the name' }),
  async handler({ home, name, provider, remove, json }) {
    if (name !== undefined)
      await change(home, name, provider === undefined ? undefined : `${provider}`, remove)
    const { aliases } = await readNames(home)
    if (json) return printJson({ aliases })
    const lines = Object.entries(aliases).map(([known, address]) => `${known}  ${address}`)
    for (const line of lines.length > 0 ? lines : ['There are no names yet.']) printLine(line)
  },
})

async function change(home: string, name: string, provider: string | undefined, remove: boolean) {
  if (remove) return keepAlias(home, name, undefined)
  if (!isAlias(name))
    throw new UserError(
      `"${name}" cannot be a name: choose three to 32 letters, digits and dashes, beginning with a letter.`,
    )
  if (provider === undefined)
    throw new UserError('Whom the name is for is missing: pontage alias NAME PROVIDER.')
  const meant = providerNamed(provider, await readNames(home))
  if ('country' in meant) throw new UserError('A name is for one provider, not for a country.')
  await keepAlias(home, name, meant.provider)
}
