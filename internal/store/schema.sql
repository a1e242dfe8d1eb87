-- The store: what trackers say, packed. One file, never changed in place.
--
-- Nothing in it is lost if it is deleted: it is built from its sources. So a
-- change of this schema raises user_version, and a database of another
-- version is built again rather than migrated.
pragma application_id = 0x77666978;
pragma user_version = 4;

-- One row for each publisher's tracker, at the revision that was read.
create table tracker (
	id         integer primary key,
	name       text not null unique,
	title      text not null,
	source     text not null,
	revision   text not null,
	time       text not null, -- RFC 3339, UTC, or empty
	synced     text not null, -- RFC 3339, UTC, or empty
	page_url   text not null,
	line_url   text not null,
	cursor     text not null, -- where the next reading goes on
	parser     text not null, -- version of the parser that read the texts
	tool       text not null, -- name and version of the program that wrote it
	entries    integer not null,
	statements integer not null,
	problems   integer not null,
	history    text not null  -- version of what made its history; empty if it has none
);

-- Releases as a tracker spells them.
create table label (
	id      integer primary key,
	tracker integer not null,
	label   text not null,
	release text not null, -- distribution/series/product
	unique (tracker, label)
);

-- The statements on one source package in one release. pack.go has the form
-- of data. A scan asks for some sources in many labels, so the labels of a
-- source are beside each other.
create table packed (
	source text not null,
	label  integer not null,
	data   blob not null,
	primary key (source, label)
) without rowid;

-- The entries of a tracker and where their texts are. catalog.go has the form
-- of both columns.
create table catalog (
	tracker integer primary key,
	entries blob not null,
	places  blob not null
);

-- Texts, one after the other, compressed with zstd. Only the catalog knows
-- which parts of a frame are still in use.
create table frame (
	tracker integer not null,
	number  integer not null,
	size    integer not null, -- bytes of text
	data    blob not null,
	primary key (tracker, number)
) without rowid;

-- Lines that could not be read.
create table problem (
	tracker  integer not null,
	changed  text not null, -- the file whose reading found it; mostly the same file
	position integer not null,
	file     text not null,
	line     integer not null, -- 0 if it is about the whole file
	text     text not null,
	primary key (tracker, changed, position)
) without rowid;

-- How the entries of a tracker came to what they are: a log of the whole, and
-- where the parts of each entry are. past.go has the form of entries, which
-- also has a sum of every frame; log is a sum and what zstd made of the parts
-- of the log, see history.go.
create table history (
	tracker integer primary key,
	entries blob not null,
	log     blob not null
);

-- Parts of the history of entries, one after the other, compressed with zstd:
-- of kind 0 their versions, of kind 1 the origins of what they say today.
create table history_frame (
	tracker integer not null,
	kind    integer not null,
	number  integer not null,
	data    blob not null,
	primary key (tracker, kind, number)
);
