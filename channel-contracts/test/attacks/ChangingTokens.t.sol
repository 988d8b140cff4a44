// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {Parties} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

/// @notice Begins to keep one part in a hundred when its owner likes, as USDT may.
contract LaterFeeToken is ERC20 {
    uint256 private feeBps;

    constructor() ERC20("Later", "LTR") {
        _mint(msg.sender, 1_000_000_000e18);
    }

    function setFee(uint256 bps) external {
        feeBps = bps;
    }

    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) ? 0 : value * feeBps / 10_000;
        if (fee > 0) super._update(from, address(0xfee), fee);
        super._update(from, to, value - fee);
    }
}

/// @notice All balances change at once, by a factor.
contract RebasingToken is ERC20 {
    uint256 private factor = 1e18;

    constructor() ERC20("Rebasing", "RBS") {
        _mint(msg.sender, 1_000_000_000e18);
    }

    function rebase(uint256 factor_) external {
        factor = factor_;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) * factor / 1e18;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value * 1e18 / factor);
    }
}

/// @notice A deployment cannot know what becomes of its token. What happens then, docs/security.md says.
contract ChangingTokensTest is World {
    address[] private none;

    function setUp() public override {
        vm.warp(START);
    }

    function _populate(ERC20 strange) private returns (Parties memory parties) {
        _deploy(strange);
        consumer = _enter("consumer", CONSUMER, 10 * WHOLE);
        hub = _enter("hub", HUB, 2_000 * WHOLE);
        provider = _enter("provider", PROVIDER, 100 * WHOLE);
        parties = _open(1, 100 * WHOLE);
        _fund(50 * WHOLE);
        knownOwners.push(consumer);
    }

    /// @notice Nothing more comes in; what is inside goes out, and whoever is paid bears the fee.
    function test_a_fee_switched_on_later_is_borne_by_who_is_paid() public {
        LaterFeeToken later = new LaterFeeToken();
        Parties memory parties = _populate(later);
        later.setFee(100);
        vm.prank(consumer);
        vm.expectPartialRevert(IChannelMoney.TokensMissing.selector);
        channels.deposit(parties, 10 * WHOLE);
        uint256 before = token.balanceOf(provider);
        assertEq(_redeem(hub, provider, 40 * WHOLE), 40 * WHOLE, "settled in full");
        assertEq(token.balanceOf(provider) - before, 396 * WHOLE / 10, "less the token's fee");
        before = token.balanceOf(consumer);
        _conclude(_final(parties));
        assertEq(token.balanceOf(consumer) - before, 99 * WHOLE, "less the token's fee");
        _assertConserved();
    }

    /// @notice Balances that shrink leave the last ones unpaid: their money is kept until somebody fills it up.
    function test_a_token_that_shrinks_leaves_the_last_ones_waiting() public {
        RebasingToken rebasing = new RebasingToken();
        Parties memory parties = _populate(rebasing);
        rebasing.rebase(5e17);
        assertEq(_redeem(hub, provider, 50 * WHOLE), 50 * WHOLE, "the first one is paid");
        _conclude(_final(parties));
        assertEq(_withheldOf(consumer), 100 * WHOLE, "the last one waits");
        vm.prank(consumer);
        vm.expectPartialRevert(bytes4(keccak256("ERC20InsufficientBalance(address,uint256,uint256)")));
        channels.collectWithheld(consumer, consumer, 0, 0, "");
        token.transfer(address(channels), 100 * WHOLE);
        assertEq(_collect(consumer, consumer), 100 * WHOLE, "once it is there");
    }

    /// @notice Balances that grow belong to nobody: the surplus stays.
    function test_a_token_that_grows_leaves_a_surplus() public {
        RebasingToken rebasing = new RebasingToken();
        Parties memory parties = _populate(rebasing);
        rebasing.rebase(2e18);
        assertEq(_conclude(_final(parties)), 100 * WHOLE, "what was put in");
        assertEq(token.balanceOf(address(channels)), 200 * WHOLE, "the rest stays");
    }
}
