import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../world/repository.js'
import { machineFolder } from './recipe.js'

/** The checkout as a disk that machines read. */
export const checkoutDisk = join(machineFolder, 'checkout.img')

/** What only building and checking needs: compilers, linters, binaries of other machines. */
const leftOut = [
  ...[
    '@nomicfoundation',
    '@biomejs',
    '@foundry-rs/forge-*',
    'solc',
    'solhint',
    'prettier',
    'typedoc',
    '@shikijs',
  ],
  ...['knip', 'oxc-parser', '@oxc-parser', 'hardhat', 'typechain', 'typescript', '.vite', '.cache'],
].map((name) => `node_modules/${name}`)

/** Puts what is built now, with its packages and the private Node, on the disk. Nothing is copied twice: files are linked. */
export function makeCheckoutDisk(): void {
  const staged = join(machineFolder, 'checkout')
  rmSync(staged, { recursive: true, force: true })
  mkdirSync(staged, { recursive: true })
  const shell = (script: string) =>
    execFileSync('sh', ['-euc', script, 'sh', staged], {
      cwd: repository,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  shell('find . -mindepth 1 -maxdepth 1 ! -name .git ! -name .pontage -exec cp -al -t "$1" {} +')
  shell(`cd "$1"; rm -rf scripts/node/22 ${leftOut.join(' ')}`)
  rmSync(checkoutDisk, { force: true })
  shell(`mkfs.ext4 -q -O ^has_journal -L checkout -d "$1" '${checkoutDisk}' 1500M`)
  rmSync(staged, { recursive: true })
}
