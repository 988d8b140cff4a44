// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "../Vm.sol";
import {Crowd} from "./Crowd.sol";

/// @notice The numbered invariants of the README, while a crowd of honest and dishonest people moves money and time.
contract MoneyInvariants is Test {
    Crowd private crowd;

    function setUp() public {
        crowd = new Crowd();
        bytes4[] memory selectors = new bytes4[](19);
        selectors[0] = crowd.openChannel.selector;
        selectors[1] = crowd.promiseMore.selector;
        selectors[2] = crowd.guarantee.selector;
        selectors[3] = crowd.clear.selector;
        selectors[4] = crowd.drawByHub.selector;
        selectors[5] = crowd.drawGuaranteed.selector;
        selectors[6] = crowd.redeem.selector;
        selectors[7] = crowd.protest.selector;
        selectors[8] = crowd.settle.selector;
        selectors[9] = crowd.leaveAlone.selector;
        selectors[10] = crowd.conclude.selector;
        selectors[11] = crowd.movePool.selector;
        selectors[12] = crowd.moveStake.selector;
        selectors[13] = crowd.changeFee.selector;
        selectors[14] = crowd.repay.selector;
        selectors[15] = crowd.pass.selector;
        selectors[16] = crowd.relayStake.selector;
        selectors[17] = crowd.relayDeposit.selector;
        selectors[18] = crowd.relayRepayment.selector;
        _target(address(crowd), selectors);
    }

    function invariant_money_is_conserved() public view {
        crowd.checkConserved();
        crowd.checkPaidOnce();
        crowd.checkHonestConsumer();
        crowd.checkHonestHub();
    }

    function afterInvariant() external {
        crowd.finish();
    }
}
