// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Tokens} from "../../src/libraries/Tokens.sol";
import {Test} from "../Vm.sol";

/// @notice Answers a transfer as it is told to, after using so much gas.
contract OddToken {
    bytes private answer;
    uint256 private appetite;

    function set(bytes calldata answer_, uint256 appetite_) external {
        (answer, appetite) = (answer_, appetite_);
    }

    function transfer(address, uint256) external view {
        uint256 begun = gasleft();
        while (begun - gasleft() < appetite) {}
        bytes memory said = answer;
        assembly {
            return(add(said, 0x20), mload(said))
        }
    }
}

contract Payer {
    using Tokens for IERC20;

    function pay(IERC20 token, uint256 amount) external returns (bool) {
        return token.tryPay(address(1), amount);
    }
}

/// @notice A payment that may fail, whatever the token is like.
contract TryPayTest is Test {
    OddToken private odd = new OddToken();
    Payer private payer = new Payer();

    function _pays(bytes memory answer) private returns (bool) {
        odd.set(answer, 0);
        return payer.pay(IERC20(address(odd)), 1);
    }

    function test_a_token_may_answer_nothing_or_true() public {
        assertTrue(_pays(""), "nothing, as USDT");
        assertTrue(_pays(abi.encode(true)), "true");
        assertTrue(_pays(bytes.concat(abi.encode(true), abi.encode(7))), "true, and more");
        assertTrue(!_pays(abi.encode(false)), "false");
        assertTrue(!_pays(abi.encode(2)), "neither");
        assertTrue(!_pays(hex"01"), "too short");
    }

    function test_a_starved_payment_is_not_a_refused_one() public {
        odd.set(abi.encode(true), 200_000);
        assertTrue(payer.pay(IERC20(address(odd)), 1), "enough");
        (bool ok, bytes memory problem) =
            address(payer).call{gas: 190_000}(abi.encodeCall(payer.pay, (IERC20(address(odd)), 1)));
        assertTrue(!ok && bytes4(problem) == Tokens.GasMissing.selector, "starved");
        // As much is there as the token takes, but not as much as can be handed on of it.
        odd.set(abi.encode(true), 297_000);
        (ok, problem) =
            address(payer).call{gas: 303_000}(abi.encodeCall(payer.pay, (IERC20(address(odd)), 1)));
        assertTrue(!ok && bytes4(problem) == Tokens.GasMissing.selector, "starved by a little");
        assertTrue(payer.pay(IERC20(address(odd)), 1), "enough of it");
        odd.set(abi.encode(true), 310_000);
        assertTrue(!payer.pay(IERC20(address(odd)), 1), "too dear a token");
    }

    function test_nothing_is_paid_without_asking() public {
        odd.set(abi.encode(false), 0);
        assertTrue(payer.pay(IERC20(address(odd)), 0), "nothing");
    }
}
