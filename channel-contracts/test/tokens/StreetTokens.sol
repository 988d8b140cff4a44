// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Tokens with the habits of those that people have. They stand alone, so that they compile without any library: end-to-end
// tests deploy them and run the programs against them.

/// @notice What all of them share: balances, allowances, and a list of addresses that may neither send nor receive.
abstract contract StreetToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    mapping(address => bool) public isBlocked;
    uint256 public immutable totalSupply;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(uint256 supply) {
        totalSupply = supply;
        balanceOf[msg.sender] = supply;
        emit Transfer(address(0), msg.sender, supply);
    }

    /// @dev Anyone may: it stands for whoever keeps the list.
    function setBlocked(address who, bool to) external {
        isBlocked[who] = to;
    }

    function _move(address from, address to, uint256 value) internal {
        require(!isBlocked[from] && !isBlocked[to], "blocked");
        require(balanceOf[from] >= value, "too little");
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }

    function _spend(address from, address to, uint256 value) internal {
        require(allowance[from][msg.sender] >= value, "not allowed");
        if (allowance[from][msg.sender] != type(uint256).max) allowance[from][msg.sender] -= value;
        _move(from, to, value);
    }

    function _allow(address owner, address spender, uint256 value) internal {
        allowance[owner][spender] = value;
        emit Approval(owner, spender, value);
    }
}

/// @notice Answers as the standard wants it.
abstract contract AnsweringToken is StreetToken {
    mapping(address => uint256) public nonces;
    bytes32 public immutable DOMAIN_SEPARATOR;

    constructor(string memory name, string memory version) {
        DOMAIN_SEPARATOR = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                block.chainid,
                address(this)
            )
        );
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        _spend(from, to, value);
        return true;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        _allow(msg.sender, spender, value);
        return true;
    }

    function _signer(bytes32 hash, uint8 v, bytes32 r, bytes32 s) internal view returns (address) {
        return ecrecover(keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR, hash)), v, r, s);
    }
}

/// @notice Like USDC: 6 decimals, permits of version 2, a blocklist.
contract DollarToken is AnsweringToken {
    string public constant name = "Street Dollar";
    string public constant symbol = "USDX";
    string public constant version = "2";
    uint8 public constant decimals = 6;
    bytes32 public constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    constructor(uint256 supply) StreetToken(supply) AnsweringToken("Street Dollar", "2") {}

    function permit(
        address owner,
        address spender,
        uint256 value,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        bytes32 hash = keccak256(
            abi.encode(PERMIT_TYPEHASH, owner, spender, value, nonces[owner]++, deadline)
        );
        require(block.timestamp <= deadline && _signer(hash, v, r, s) == owner, "bad permit");
        _allow(owner, spender, value);
    }
}

/// @notice Like DAI: permits of its own kind, which allow everything or nothing; a symbol in 32 bytes, as older tokens have.
contract DaiToken is AnsweringToken {
    string public constant name = "Street Dai";
    bytes32 public constant symbol = "DAIX";
    string public constant version = "1";
    uint8 public constant decimals = 18;
    bytes32 public constant PERMIT_TYPEHASH =
        keccak256("Permit(address holder,address spender,uint256 nonce,uint256 expiry,bool allowed)");

    constructor(uint256 supply) StreetToken(supply) AnsweringToken("Street Dai", "1") {}

    function permit(
        address holder,
        address spender,
        uint256 nonce,
        uint256 expiry,
        bool allowed,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        bytes32 hash = keccak256(abi.encode(PERMIT_TYPEHASH, holder, spender, nonce, expiry, allowed));
        require(nonce == nonces[holder]++ && _signer(hash, v, r, s) == holder, "bad permit");
        require(expiry == 0 || block.timestamp <= expiry, "too late");
        _allow(holder, spender, allowed ? type(uint256).max : 0);
    }
}

/// @notice Like USDT: 6 decimals, no answer to anything, no permits, and no change of an allowance but by way of zero.
contract SilentToken is StreetToken {
    string public constant name = "Street Tether";
    string public constant symbol = "USTX";
    uint8 public constant decimals = 6;

    constructor(uint256 supply) StreetToken(supply) {}

    function transfer(address to, uint256 value) external {
        _move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external {
        _spend(from, to, value);
    }

    function approve(address spender, uint256 value) external {
        require(value == 0 || allowance[msg.sender][spender] == 0, "zero first");
        _allow(msg.sender, spender, value);
    }
}
