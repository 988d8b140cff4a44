import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../world/repository.js'
import { machineFolder } from './recipe.js'

/** A disk with the package of all programs, made of this checkout. */
export const packageDisk = join(machineFolder, 'packages.img')

/** Makes the package and puts it on the disk. */
export function makePackageDisk(): void {
  const folder = join(machineFolder, 'packages')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const make = ['packaging/main.mjs', '--out', folder, '--only', 'pontage-all']
  execFileSync(process.execPath, make, { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] })
  rmSync(packageDisk, { force: true })
  const format = ['-q', '-O', '^has_journal', '-L', 'packages', '-d', folder, packageDisk, '100M']
  execFileSync('mkfs.ext4', format, { stdio: ['ignore', 'ignore', 'inherit'] })
  rmSync(folder, { recursive: true })
}
