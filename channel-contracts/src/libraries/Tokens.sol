// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Permit} from "../interfaces/IIdentityRegistry.sol";

/// @notice The ways tokens come in.
library Tokens {
    using SafeERC20 for IERC20;

    error TokensMissing(uint256 received, uint256 expected);
    error AmountTooLarge(uint256 amount, uint256 maximum);

    /// @notice Takes tokens and demands that exactly so many arrived: a token that keeps a fee is refused.
    /// What this contract holds in all must fit 128 bits, so that no sum in it can ever overflow.
    function pull(IERC20 token, address from, uint256 amount) internal {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(from, address(this), amount);
        uint256 held = token.balanceOf(address(this));
        if (held - before != amount) revert TokensMissing(held - before, amount);
        if (held > type(uint128).max) revert AmountTooLarge(held, type(uint128).max);
    }

    /// @notice Uses an approval. A failing one is ignored: somebody may have used it first, and if the allowance
    /// does not suffice the transfer fails anyway. One of zeros stands for none.
    function tryPermit(IERC20 token, address owner, Permit calldata permit) internal {
        if (permit.v == 0) return;
        try IERC20Permit(address(token))
            .permit(owner, address(this), permit.value, permit.deadline, permit.v, permit.r, permit.s) {}
            catch {}
    }
}
