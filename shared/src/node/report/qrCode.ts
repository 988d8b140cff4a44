import { renderUnicodeCompact } from 'uqr'

/** A text as a QR code for a terminal, in lines of half blocks; two rows of the code are one line. */
export const qrCode = (text: string): string => renderUnicodeCompact(text, { border: 1 })
