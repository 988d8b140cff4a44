// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @notice Whether an address signed a digest.
library Signatures {
    /// @notice A key's signature, or what a contract wallet accepts as its own (ERC-1271).
    /// @dev The key is tried first: nearly every signer has one, and reading an account's code costs 2,600 gas.
    function isBy(bytes calldata signature, address signer, bytes32 digest) internal view returns (bool) {
        return isByKey(signature, signer, digest)
            || (signer.code.length > 0
                && SignatureChecker.isValidERC1271SignatureNowCalldata(signer, digest, signature));
    }

    /// @notice A key's signature only. Malleable and short forms are refused.
    function isByKey(bytes calldata signature, address signer, bytes32 digest) internal pure returns (bool) {
        (address recovered, ECDSA.RecoverError problem,) = ECDSA.tryRecoverCalldata(digest, signature);
        return problem == ECDSA.RecoverError.NoError && recovered == signer;
    }
}
