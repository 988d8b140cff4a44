import { rmSync } from 'node:fs'
import { checkoutDisk, makeCheckoutDisk } from './checkoutDisk.js'
import { makeImage, standingImage } from './image.js'
import { machineFolder } from './recipe.js'

if (process.argv.includes('--clean')) {
  rmSync(machineFolder, { recursive: true, force: true })
  console.log(`${machineFolder} is removed.`)
} else {
  const began = Date.now()
  if (standingImage() === undefined) makeImage()
  makeCheckoutDisk()
  console.log(`Image and ${checkoutDisk} are ready after ${Math.round((Date.now() - began) / 1_000)} s.`)
}
