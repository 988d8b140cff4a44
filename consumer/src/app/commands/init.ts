import { jsonFlag, makeHome, printJson } from '@pontage/shared/node'
import { getAddress } from 'ethers'
import { command, printLine, type Settings, settings, withSettings } from './settings.js'

export const initCommand = command<Settings & { importKeyFile: string | undefined; json: boolean }>({
  command: 'init',
  describe: 'Make a key and a configuration file',
  builder: (yargs) =>
    withSettings(yargs)
      .option('import-key-file', {
        type: 'string',
        requiresArg: true,
        describe: 'File with a private key (hexadecimal) to import',
      })
      .options(jsonFlag),
  async handler(argv) {
    const { home, passwordFile, importKeyFile } = argv
    const made = await makeHome({
      program: 'pontage',
      home,
      passwordFile,
      importKeyFile,
      flags: settings,
      given: { ...argv },
    })
    if (argv.json) return printJson({ address: made.address, home })
    printLine(`Address   ${getAddress(made.address)}`)
    printLine(`Keystore  ${made.keystore}`)
    printLine(`Settings  ${made.config}`)
    printLine('')
    printLine(
      'Back up the keystore, and keep its password elsewhere: without both, what the channel holds is lost.',
    )
    printLine(
      'Send tokens to the address (no gas coin is needed), then run "pontage providers" and "pontage channel open".',
    )
  },
})
