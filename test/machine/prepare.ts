import { rmSync } from 'node:fs'
import { makeImage, standingImage } from './image.js'
import { makePackageDisk, packageDisk } from './packageDisk.js'
import { machineFolder } from './recipe.js'

if (process.argv.includes('--clean')) {
  rmSync(machineFolder, { recursive: true, force: true })
  console.log(`${machineFolder} is removed.`)
} else {
  const began = Date.now()
  try {
    if (standingImage() === undefined) makeImage()
    makePackageDisk()
  } catch (error) {
    // What a command had to say stands above.
    console.error(`machine: ${(error as Error).message}`)
    process.exit(1)
  }
  console.log(`Image and ${packageDisk} are ready after ${Math.round((Date.now() - began) / 1_000)} s.`)
}
