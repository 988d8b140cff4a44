#!/usr/bin/env node
/**
 * A solc executable made of the npm package `solc`, as far as forge needs one:
 * `--version`, and `--standard-json` from standard input.
 */
const { readFileSync } = require('node:fs')
const solc = require('solc')

const flags = process.argv.slice(2)
if (flags.includes('--version')) {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`)
} else if (flags.includes('--standard-json')) {
  process.stdout.write(solc.compile(readFileSync(0, 'utf8')))
} else {
  process.stderr.write(`solc.cjs: seen "${flags.join(' ')}", expected --version or --standard-json.\n`)
  process.exitCode = 2
}
