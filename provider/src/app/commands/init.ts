import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CommonOptions } from '@pontage/shared/node'
import { createKeystore, readPassword, UserError, writeFileDurably } from '@pontage/shared/node'
import type { ArgumentsCamelCase, CommandModule } from 'yargs'
import { chainOptions, keystorePath, type ServeOptions, serveOptions, withServing } from './options.js'

/** Makes keystore and configuration. */
export const initCommand: CommandModule<
  CommonOptions,
  ServeOptions & { importKeyFile?: string; json?: boolean }
> = {
  command: 'init',
  describe: 'Make a key and a configuration; flags given here are written into it',
  builder: (parser) =>
    withServing(parser)
      .option('import-key-file', {
        type: 'string',
        describe: 'File with a private key to use, in hexadecimal',
      })
      .option('json', { type: 'boolean', describe: 'Print one JSON object' }) as never,
  handler: init,
}

async function init(
  given: ArgumentsCamelCase<ServeOptions & { importKeyFile?: string; json?: boolean }>,
): Promise<void> {
  const { home } = given
  await mkdir(home, { recursive: true, mode: 0o700 })
  const imported =
    given.importKeyFile === undefined
      ? undefined
      : await readFile(given.importKeyFile, 'utf8').catch((cause) => {
          throw new UserError(`No key can be read from ${given.importKeyFile}. Check --import-key-file.`, {
            cause,
          })
        })
  const password = await readPassword(given.passwordFile, 'Choose a password for the keystore: ')
  if (password === '')
    throw new UserError('The password is empty. Choose one, so that the keystore protects the key.')
  const identity = await createKeystore(keystorePath(home), password, imported?.trim())
  const config = join(home, 'config.yaml')
  if ((await readFile(config, 'utf8').catch(() => undefined)) === undefined)
    await writeFileDurably(config, configText(given), 0o600)
  if (given.json) {
    process.stdout.write(`${JSON.stringify({ address: identity.address, home })}\n`)
    return
  }
  process.stdout.write(
    [
      `Address:       ${identity.address}`,
      `Keystore:      ${keystorePath(home)}`,
      `Configuration: ${config}`,
      '',
      'Back up the keystore and remember its password: without both, what you earn through this identity is lost.',
      'Then send this address tokens for its stake (50 by default) and some of the chain’s coin for gas, and run:',
      '  pontage-provider register --stake 50',
      '  pontage-provider run',
      '',
    ].join('\n'),
  )
}

/** Every setting with its meaning: those given as they are, the others as comments with their defaults. */
function configText(given: Record<string, unknown>): string {
  const lines = Object.entries({ ...chainOptions, ...serveOptions }).flatMap(([name, option]) => {
    const standard = 'default' in option ? option.default : undefined
    const value = given[name]
    const isSet = value !== undefined && JSON.stringify(value) !== JSON.stringify(standard)
    const shown = isSet ? value : (standard ?? '')
    return [
      '',
      `# ${option.describe}`,
      `${isSet ? '' : '# '}${name}: ${shown === '' ? '' : JSON.stringify(shown)}`.trimEnd(),
    ]
  })
  return [
    '# pontage-provider. A flag or an environment variable goes before what stands here.',
    ...lines,
    '',
  ].join('\n')
}
